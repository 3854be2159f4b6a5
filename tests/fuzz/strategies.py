"""Bytes that are nearly right: made by each format's grammar, with something odd in places."""

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from call_api.commands import COMMANDS, QUERIES
from call_api.config import CmdConfig, Config
from call_api.settings import leaves
from tests.fakes.torture_invalid import INVALID
from tests.fakes.torture_messages import VALID, message
from tests.wire.raw_client import upgrade

ODD_TEXT = st.text(max_size=6) | st.sampled_from(
    ["", " ", "\0", "\t", ",", ";", '"', "\\", "<", ">", "%", "%41", "@", ":", "=", "?", "&", "ü"]
)
BEYOND = "beyond any number"
ODD_NUMBERS = st.sampled_from(
    [BEYOND, -1, 0, 1, 2**31 - 1, 2**31, 2**63, 2**64, 10**40, 1e308, 0.1]
)


def mostly(usual: Iterable[Any], odd: st.SearchStrategy[Any] = ODD_TEXT) -> st.SearchStrategy[Any]:
    """One of the usual values, and once in a while something odd."""
    often = st.sampled_from(list(usual))
    return st.one_of(often, often, often, odd)


def joined(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    """The texts of all parts, one behind the other."""
    strategies = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*strategies).map("".join)


def mutated(whole: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes as they are, or with a few places changed."""
    cuts = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 6), st.binary(max_size=6)))
    return st.one_of(whole, st.tuples(whole, cuts).map(_cut))


def _cut(made: tuple[bytes, list[tuple[int, int, bytes]]]) -> bytes:
    data, cuts = made
    for place, removed, inserted in cuts[:4]:
        at = place % (len(data) + 1)
        data = data[:at] + inserted + data[at + removed :]
    return data


def led(whole: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """With a first byte that says how the rest is meant."""
    return st.tuples(st.binary(min_size=1, max_size=1), whole).map(b"".join)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# SIP.

HOST = mostly(["localhost", "127.0.0.1", "[::1]", "example.com", "h_1", "192.0.2.256", "[::g]"])
PORT = mostly(["", ":5060", ":1", ":65535", ":0", ":65536", ":05060"])
PARAM = joined(";", mostly(["tag", "lr", "transport", "branch", "rport", "TAG", "%74ag"]), "=")
PARAMS = st.lists(
    joined(PARAM, mostly(["1", "udp", "z9hG4bK1", '"a b"', '"\\""', "[::1]"]))
    | mostly([";lr", ";rport", ";tag=a", "; x = y", ";;"]),
    max_size=3,
).map("".join)
URI = joined(
    mostly(["sip:", "sips:", "SIP:", "tel:", "sip: "]),
    mostly(["alice@", "a:b@", "%61@", "", "@", "a;x=y@", "#31#@"]),
    HOST,
    PORT,
    PARAMS,
    mostly(["", "?a=b", "?a=b&c=d", "?", "?Replaces=x%3Bto-tag%3Dy"]),
)
ADDRESS = joined(mostly(["", '"A \\"B" ', "Bob ", '"'], ODD_TEXT), "<", URI, ">", PARAMS) | URI
VIA = joined(mostly(["SIP/2.0/UDP ", "SIP / 2.0 / TCP ", "SIP/3.0/UDP "]), HOST, PORT, PARAMS)
METHOD = mostly(["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "REFER", "invite"])
CSEQ = joined(mostly(["1", "0", "2147483647", "2147483648", "01"]), " ", METHOD)
LINES: dict[str, st.SearchStrategy[str]] = {
    "Via": VIA,
    "From": ADDRESS,
    "To": ADDRESS,
    "Call-ID": mostly(["a@b", "1", "a b"]),
    "CSeq": CSEQ,
    "Max-Forwards": mostly(["70", "0", "255", "256", "-1"]),
    "Content-Length": mostly(["0", "3", "999", "00", "65537"]),
}
EXTRA = st.lists(
    st.one_of(
        joined(mostly(["Contact: ", "m: ", "Route: ", "Record-Route: "]), ADDRESS),
        joined("Contact: ", ADDRESS, ", ", ADDRESS),
        joined(mostly(["Via: ", "v: ", "X-Odd: ", "Subject:", "Timestamp: "]), ODD_TEXT),
        mostly(["Contact: *", "Expires: 60", "Require: 100rel", " folded", "no header"]),
    ),
    max_size=3,
)


@st.composite
def sip_messages(draw: st.DrawFn) -> bytes:
    """A message with its usual headers, some of them odd, doubled or left out."""
    start = draw(joined(METHOD, " ", URI, " SIP/2.0") | mostly(["SIP/2.0 200 OK", "SIP/2.0 486 "]))
    lines = []
    for name, values in LINES.items():
        for _ in range(draw(st.sampled_from([1, 1, 1, 1, 1, 0, 2]))):
            lines.append(f"{name}: {draw(values)}")
    made = [start, *draw(st.permutations(lines)), *draw(EXTRA)]
    return message(*map(encoded, made), body=draw(mostly([b"", b"v=0"], st.binary(max_size=5))))


SIP = st.one_of(sip_messages(), mutated(st.sampled_from([*VALID.values(), *INVALID.values()])))
STREAM = st.lists(mostly([b"\r\n\r\n", b"\r\n"], SIP), max_size=4).map(b"".join)
DIGEST = st.lists(
    joined(
        mostly(["realm", "nonce", "qop", "nc", "cnonce", "uri", "response", "algorithm", "opaque"]),
        mostly(["=", " = "]),
        mostly(["localhost", '"localhost"', '"auth,auth-int"', "00000001", "MD5", '"a\\"b"']),
    ),
    max_size=10,
).map(", ".join)
SDP_LINES = [
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "c=IN IP4 127.0.0.1",
    "c=IN IP6 ::1",
    "c=IN IP4 0.0.0.0",
    "c=",
    "t=0 0",
    "m=audio 4000 RTP/AVP 0 8",
    "m=audio 4000/2 RTP/AVP 0",
    "m=video 0 RTP/AVP 31",
    "m=audio 65536 RTP/AVP 0",
    "m=",
    "a=sendonly",
    "a=inactive ",
    "a=crypto:1 x",
    "a=rtpmap:0 PCMU/8000",
    "",
]
SDP = st.tuples(
    mostly(["v=0\r\n", "v=0\n", "v=1\r\n", ""]),
    st.lists(joined(mostly(SDP_LINES), mostly(["\r\n", "\n", "\r"])), max_size=14).map("".join),
).map("".join)

# JSON.

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | ODD_NUMBERS
    | st.floats(width=32)
    | st.text(max_size=8)
)
JSON = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = [*COMMANDS, *QUERIES, "CallUnhold", "Nonsense", ""]
VALUES = mostly(["sip:a@b", "caller", "callee", "x", 1, 5.5, None, "a" * 300], JSON)
MEMBERS = [
    "caller",
    "callee",
    "callid",
    "leg",
    "destination",
    "cmd_id",
    "timeout",
    "limit",
    "after",
]
MEMBERS += ["callid_a", "leg_a", "callid_b", "leg_b", "callidA", "legA", "callidB", "legB"]
PARAMETERS = st.dictionaries(mostly(MEMBERS), VALUES, max_size=6)
REQUEST = st.fixed_dictionaries(
    {"jsonrpc": mostly(["2.0"], JSON), "method": mostly(NAMES, JSON)},
    optional={"id": JSON, "params": PARAMETERS | JSON, "more": JSON},
)
REPLY = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": mostly(["2.0"], JSON),
        "id": mostly(["1", "2", None, 1], JSON),
        "method": mostly(["Event", "Error", "Ended", "CallStart", "CallEvent"], JSON),
        "params": JSON
        | st.fixed_dictionaries(
            {"cmd_id": mostly(["c"], JSON)},
            optional={
                "seq": mostly([1, 2, 3], JSON),
                "event": mostly(["Ended", "Error", "Reply"], JSON),
                "data": JSON,
                "details": JSON,
                "error": JSON,
            },
        ),
        "result": JSON
        | st.fixed_dictionaries(
            {"cmd_id": st.just("c")},
            optional={"status": mostly(["Started"], JSON), "state": mostly(["ended"], JSON)},
        ),
        "error": JSON | st.fixed_dictionaries({"code": JSON, "message": JSON}),
    },
)


def written(value: object) -> bytes:
    """Return JSON text, with NaN, Infinity and lone surrogates, as Python has them, and 1e400."""
    return json.dumps(value).replace(f'"{BEYOND}"', "1e400").encode()


REQUESTS = mutated((REQUEST | JSON | st.lists(REQUEST | JSON, max_size=4)).map(written))
REPLIES = mutated(st.lists(REPLY.map(written), max_size=4).map(b"\n".join))

# Settings.


@st.composite
def settings_files(draw: st.DrawFn) -> bytes:
    """A file of settings that exist, with values that fit and values that do not."""
    keys = draw(st.lists(mostly([*leaves(Config), *leaves(CmdConfig)]), max_size=6))
    blanks = draw(st.sampled_from(["  ", " ", "\t", ""]))
    text = ""
    for key in keys:
        section, _, leaf = key.rpartition(".")
        value = draw(SETTING)
        text += f"{section}:\n{blanks}{leaf}: {value}\n" if section else f"{leaf}: {value}\n"
    return encoded(text)


SETTING = mostly(
    [
        *["5060", "0", "-1", "1.5", "1e3", "0x10", "1_000", "99999999999999999999", ".inf", ".nan"],
        *["localhost", "'::1'", "/x", "udp:127.0.0.1:8080", "INFO", "v2", "true", "null", "~"],
        *["[]", "[a:1, b:2]", "{alice: secret}", "{a: {b: c}}", "&a x", "*a", "!!int 1", "|", ">"],
        '"\\ud800"',
    ],
    ODD_TEXT,
)

# Frames.

FRAMES = st.lists(
    st.tuples(
        st.sampled_from([0x81, 0x01, 0x80, 0x00, 0x89, 0x8A, 0x88, 0x82, 0x83, 0xC1, 0x91, 0x09]),
        st.binary(max_size=20) | st.binary(min_size=125, max_size=127) | st.text().map(encoded),
    ).map(lambda made: bytes([made[0], len(made[1][:255])]) + made[1][:255]),
    max_size=6,
).map(b"".join)
HOW = st.integers(0, 255)
CONNECTION = st.one_of(
    st.tuples(HOW.map(lambda how: bytes([how & 0xFE])), FRAMES).map(b"".join),
    st.tuples(HOW.map(lambda how: bytes([how & 0xFD | 1])), mutated(st.just(upgrade()))).map(
        b"".join
    ),
)

OF: dict[str, st.SearchStrategy[bytes]] = {
    "frames": CONNECTION,
    "conversation": led(REQUESTS),
    "json_rpc": REQUESTS,
    "json_rpc_reply": REPLIES,
    "sip_message": SIP,
    "sip_stream": led(STREAM),
    "sip_value": (ADDRESS | VIA | CSEQ | URI | PARAMS).map(encoded),
    "sip_digest": DIGEST.map(encoded),
    "sdp": SDP.map(encoded),
    "settings": mutated(settings_files()),
}
"""What each target is given."""
