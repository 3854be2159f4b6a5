"""A SIP phone on PJSIP, a program of its own: JSON lines in, JSON lines out.

    python pjsip_phone.py '{"name": "alice", "password": "secret", "registrar": "127.0.0.1:5060",
                            "domain": "localhost", "transport": "udp"}'

Each line on stdin is a request ``{"id": 1, "do": "call", ...}``, answered on stdout by
``{"id": 1, "result": ...}`` or ``{"id": 1, "error": "..."}``. Whenever something changed, a line
``{"changed": "..."}`` comes unasked. The phone plays a tone into every call, so its packets
and those of its peer count as audio. It ends with its stdin, and with its parent.
"""

import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import pjsua2 as pj

PR_SET_PDEATHSIG = 1
POLL_MS = 10
DIRECTIONS = {0: "inactive", 1: "sendonly", 2: "recvonly", 3: "sendrecv"}


OUT = os.dup(1)  # PJSIP prints to stdout what it likes
os.dup2(2, 1)


def tell(line: dict[str, object]) -> None:
    os.write(OUT, json.dumps(line).encode() + b"\n")


def op_param(status: int = 0) -> Any:
    param = pj.CallOpParam(True)
    if status:
        param.statusCode = status
    return param


class Call(pj.Call):
    def __init__(self, phone: "Phone", call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.progress: list[int] = []
        self.confirmed_at = self.referred_at = 0.0
        phone.calls.append(self)

    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.confirmed_at = time.monotonic()
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.phone.ended(self, info)
        tell({"changed": f"{info.callIdString} {info.stateText} {info.lastStatusCode}"})

    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()
        for media in info.media:
            sends = media.dir in (pj.PJMEDIA_DIR_ENCODING, pj.PJMEDIA_DIR_ENCODING_DECODING)
            if media.type == pj.PJMEDIA_TYPE_AUDIO and sends:
                self.phone.tone.startTransmit(self.getAudioMedia(media.index))
        tell({"changed": f"{info.callIdString} media"})

    def onCallTransferRequest(self, prm: Any) -> None:
        self.referred_at = time.monotonic()
        prm.statusCode = self.phone.behaviour["refer"]
        if prm.statusCode < 300:
            prm.newCall = Call(self.phone)
        tell({"changed": f"asked to call {prm.dstUri}"})

    def onCallTransferStatus(self, prm: Any) -> None:
        self.progress.append(prm.statusCode)
        tell({"changed": f"transfer {prm.statusCode}"})

    def onCallReplaceRequest(self, prm: Any) -> None:
        prm.statusCode = self.phone.behaviour["replace"]
        if prm.statusCode < 300:
            prm.newCall = Call(self.phone)

    def onCallReplaced(self, prm: Any) -> None:
        if prm.newCall is None:
            prm.newCall = Call(self.phone, prm.newCallId)
        tell({"changed": "replaced"})

    def onCallRxReinvite(self, prm: Any) -> None:
        if self.phone.behaviour["reinvite"] >= 300:
            prm.statusCode = self.phone.behaviour["reinvite"]

    def describe(self) -> dict[str, object]:
        info = self.getInfo()
        audio = [m for m in info.media if m.type == pj.PJMEDIA_TYPE_AUDIO]
        active = audio and info.state == pj.PJSIP_INV_STATE_CONFIRMED
        return {
            "callid": info.callIdString,
            "state": info.stateText,
            "remote": info.remoteUri,
            "role": "caller" if info.role == pj.PJSIP_ROLE_UAC else "callee",
            "direction": DIRECTIONS[audio[0].dir] if active else None,
            **(self.packets() if active else {"rx": 0, "tx": 0, "peer": ""}),
            "transfer": self.progress,
        }

    def packets(self) -> dict[str, object]:
        try:
            rtcp = self.getStreamStat(0).rtcp
            peer = self.getStreamInfo(0).remoteRtpAddress
        except pj.Error:  # no stream: what was on hold has none
            return {"rx": 0, "tx": 0, "peer": ""}
        return {"rx": rtcp.rxStat.pkt, "tx": rtcp.txStat.pkt, "peer": peer}


class Account(pj.Account):
    def __init__(self, phone: "Phone") -> None:
        super().__init__()
        self.phone = phone

    def onRegState(self, prm: Any) -> None:
        self.phone.registration = prm.code if self.getInfo().regIsActive else -prm.code
        tell({"changed": f"registration {prm.code}"})

    def onIncomingCall(self, prm: Any) -> None:
        call = Call(self.phone, prm.callId)
        behaviour = self.phone.behaviour
        if behaviour["answer"] >= 300:  # PJSIP 2.15 dies of a final answer from in here
            self.phone.later(0.0, lambda: call.answer(op_param(behaviour["answer"])))
        elif behaviour["ring"]:
            call.answer(op_param(180))
        if behaviour["answer"] == 200:
            self.phone.later(behaviour["after"], lambda: call.answer(op_param(200)))
        tell({"changed": f"incoming {call.getInfo().callIdString}"})


class Phone:
    """One endpoint with one account.

    Behaviour: ``answer`` is the final status (0: never one), ``ring`` whether 180 comes first,
    ``after`` the seconds before the 200, ``refer``, ``reinvite`` and ``replace`` (an INVITE with
    Replaces) the answers to those.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.usual = {
            "answer": 200,
            "ring": 1,
            "after": 0.1,
            "refer": 202,
            "reinvite": 200,
            "replace": 200,
        }
        self.behaviour: dict[str, Any] = {**self.usual, **options.get("behaviour", {})}
        self.calls: list[Call] = []
        self.gone: list[Call] = []
        self.endings: list[dict[str, object]] = []
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.registration = 0
        self.endpoint = pj.Endpoint()
        self._start_endpoint()
        self.tone = pj.ToneGenerator()
        self.tone.createToneGenerator(8000, 1)
        self._play_tone()
        self.account = Account(self)
        self.account.create(self._account_config())

    def _start_endpoint(self) -> None:
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.userAgent = "live-test-phone"
        config.logConfig.level = config.logConfig.consoleLevel = self.options.get("log_level", 0)
        config.medConfig.noVad = True
        config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
        config.medConfig.ecTailLen = 0
        self.endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.port = 0
        transport.boundAddress = transport.publicAddress = "127.0.0.1"
        tcp = self.options["transport"] == "tcp"
        kind = pj.PJSIP_TRANSPORT_TCP if tcp else pj.PJSIP_TRANSPORT_UDP
        self.transport = self.endpoint.transportCreate(kind, transport)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            wanted = codec.codecId.startswith(self.options.get("codec", "PCM"))
            self.endpoint.codecSetPriority(codec.codecId, codec.priority if wanted else 0)

    def _play_tone(self) -> None:
        tone = pj.ToneDesc()
        tone.freq1, tone.freq2, tone.on_msec, tone.off_msec = 440, 0, 1000, 0
        tones = pj.ToneDescVector()
        tones.append(tone)
        self.tone.play(tones, True)

    def _account_config(self) -> Any:
        suffix = ";transport=tcp" if self.options["transport"] == "tcp" else ""
        registrar = f"sip:{self.options['registrar']}{suffix}"
        config = pj.AccountConfig()
        config.idUri = f"sip:{self.options['name']}@{self.options['domain']}"
        if self.options.get("register", True):
            config.regConfig.registrarUri = registrar
        config.regConfig.timeoutSec = 300
        config.regConfig.retryIntervalSec = config.regConfig.firstRetryIntervalSec = 1
        config.sipConfig.proxies.append(f"{registrar};lr")
        password = self.options.get("password", "")
        credentials = pj.AuthCredInfo("digest", "*", self.options["name"], 0, password)
        config.sipConfig.authCreds.append(credentials)
        if self.options.get("requires_timer"):
            config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_REQUIRED
            config.callConfig.timerMinSESec = 90
            config.callConfig.timerSessExpiresSec = 90
        config.natConfig.contactRewriteUse = config.natConfig.viaRewriteUse = 0
        config.mediaConfig.transportConfig.port = 0
        config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        config.mediaConfig.transportConfig.publicAddress = "127.0.0.1"
        return config

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        self.due.append((time.monotonic() + seconds, what))

    def ended(self, call: Call, info: Any) -> None:
        ending = {"callid": info.callIdString, "status": info.lastStatusCode}
        times = {"confirmed_at": call.confirmed_at, "referred_at": call.referred_at}
        self.endings.append({**ending, "transfer": call.progress, **times})
        self.gone.append(call)

    def call(self, callid: str) -> Call:
        for call in self.calls:
            if call.getInfo().callIdString == callid:
                return call
        raise LookupError(f"no call {callid}")

    # What can be asked: do_NAME takes the request's other members.

    def do_state(self) -> dict[str, object]:
        return {
            "address": self.endpoint.transportGetInfo(self.transport).localName,
            "registration": self.registration,
            "calls": [call.describe() for call in self.calls if call not in self.gone],
            "endings": self.endings,
        }

    def do_behave(self, **behaviour: object) -> None:
        self.behaviour = {**self.usual, **behaviour}
        self.endings.clear()

    def do_call(self, to: str) -> str:
        call = Call(self)
        call.makeCall(to, op_param())
        return str(call.getInfo().callIdString)

    def do_answer(self, callid: str, status: int) -> None:
        self.call(callid).answer(op_param(status))

    def do_hangup(self, callid: str) -> None:
        self.call(callid).hangup(op_param())

    def do_hangup_all(self) -> None:
        self.due.clear()
        self.endpoint.hangupAllCalls()

    def do_hold(self, callid: str) -> None:
        self.call(callid).setHold(op_param())

    def do_unhold(self, callid: str) -> None:
        param = op_param()
        param.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.call(callid).reinvite(param)

    def do_transfer(self, callid: str, to: str) -> None:
        self.call(callid).xfer(to, op_param())

    def do_attended_transfer(self, callid: str, with_callid: str) -> None:
        self.call(callid).xferReplaces(self.call(with_callid), op_param())

    def do_register(self, renew: bool) -> None:
        self.account.setRegistration(renew)

    def run(self) -> None:
        lines = b""
        while True:
            self.endpoint.libHandleEvents(POLL_MS)
            self._run_due()
            self.calls = [call for call in self.calls if call not in self.gone]
            self.gone.clear()
            while select.select([0], [], [], 0)[0]:
                data = os.read(0, 65536)
                if not data:
                    return
                lines += data
                *complete, lines = lines.split(b"\n")
                for line in complete:
                    self._answer(json.loads(line))

    def _run_due(self) -> None:
        now = time.monotonic()
        ready = [what for when, what in self.due if when <= now]
        self.due = [(when, what) for when, what in self.due if when > now]
        for what in ready:
            try:
                what()
            except pj.Error as exc:  # the call ended meanwhile
                tell({"changed": f"too late: {exc.info()}"})

    def _answer(self, request: dict[str, Any]) -> None:
        id_, do = request.pop("id"), request.pop("do")
        try:
            tell({"id": id_, "result": getattr(self, f"do_{do}")(**request)})
        except (pj.Error, LookupError) as exc:
            why = exc.info() if isinstance(exc, pj.Error) else str(exc)
            tell({"id": id_, "error": why})


def main() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    Phone(json.loads(sys.argv[1])).run()
    os._exit(0)  # PJSIP's own shutdown waits for answers that nobody sends any more


if __name__ == "__main__":
    main()
