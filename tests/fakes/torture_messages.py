"""SIP messages that try a parser, made after the descriptions in RFC 4475, section 3.1.1.

Each stands under the RFC's name for it and has what the RFC says that it has; most words are
ours. They have to be accepted.
"""

SDP = (
    b"v=0\r\no=carl 77 78 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
    b"m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n"
)


def message(*lines: str | bytes, body: bytes = b"") -> bytes:
    """Return the bytes of a message of these lines."""
    encoded = [line.encode() if isinstance(line, str) else line for line in lines]
    return b"".join(line + b"\r\n" for line in encoded) + b"\r\n" + body


def request(start: str, *changes: str, body: bytes = b"") -> bytes:
    """Return a complete request with lines changed or added.

    Args:
        start: Its request line; the first word is the method.
        changes: Header lines. One whose name a usual line has takes that line's place.
    """
    lines = {
        "Via": "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdju43",
        "Max-Forwards": "Max-Forwards: 70",
        "From": "From: <sip:caller@example.net>;tag=3234233",
        "To": "To: <sip:user@example.com>",
        "Call-ID": "Call-ID: torture.0ha0isndaksdj@192.0.2.5",
        "CSeq": f"CSeq: 8 {start.partition(' ')[0]}",
        "Content-Length": f"Content-Length: {len(body)}",
    }
    replaced = {change.partition(":")[0].strip() for change in changes}
    usual = [line for name, line in lines.items() if name not in replaced]
    return message(start, *usual, *changes, body=body)


_WSINV = message(
    "INVITE sip:dora@chair-dnrc.example.com;strangeparam SIP/2.0",
    "TO :",
    " sip:dora@chair-dnrc.example.com ;   tag    = 1918181833n",
    'from   : "D Explorer \\\\\\""       <sip:explorer@example.com>',
    "  ;",
    "  tag = 98asjd8",
    "MaX-fOrWaRdS: 0068",
    "Call-ID: wsinv.ndaksdj@192.0.2.1",
    f"Content-Length   : {len(SDP)}",
    "cseq: 0009",
    "  INVITE",
    "Via  : SIP  /   2.0",
    " /UDP",
    "    192.0.2.2;branch=390skdjuw",
    "s :",
    "BrandNewHeader:   brand new value",
    "\tcontinued brand new value",
    "UnknownHeaderWithUnusualValue: ;;,,;;,;",
    "Content-Type: application/sdp",
    "Route:",
    " <sip:services.example.com;lr;unknownwith=value;unknown-no-value>",
    "v:  SIP  / 2.0  / TCP     spindle.example.com   ;",
    "  branch  =   z9hG4bK9ikj8  ,",
    " SIP  /    2.0   / UDP  192.168.255.111   ; branch=",
    " z9hG4bK30239",
    'm:"Quoted string \\"\\"" <sip:explorer@example.com> ; newparam =',
    "      newvalue ;",
    "  secondparam ; q = 0.33",
    body=SDP,
)

_INTMETH = message(
    "!odd-Method0123456789_*+`.%really'~ "
    "sip:1_unusual.User~(this-is!fine)&isn't+it$/quite?,/;;*:&it+has=1,odd!*pas$wo~d_too.(yes)"
    "@example.com SIP/2.0",
    "Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
    b'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f"'
    b" <sip:1_unusual.User~(this-is!fine)&isn't+it$/quite?,/;;*@example.com>",
    "From: word1~` word2'+_ word3*%!.- <sip:mundane@example.com>",
    " ;fromParam''~+*_!.-%=\"\u043d\u0435\u0442\"",
    " ;tag=_token~1'+`*%!-.",
    "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
    "CSeq: 139122385 !odd-Method0123456789_*+`.%really'~",
    "Max-Forwards: 255",
    "extensionHeader-!.%*+_`'~:\ufeff\u5927\u505c\u96fb",
    "Content-Length: 0",
)

_VIAS = ("v", "V", "Via", "ViA", "VIa", "VIA", "via", "viA", "vIa", "vIA", "V ", "v  ", "Via  ")

_LONG = "a" + "very" * 20 + "long"

_LONGREQ = message(
    f"INVITE sip:user@example.com;{_LONG}param={_LONG}value SIP/2.0",
    f'To: "I have a user name of {"extreme" * 10} proportion"'
    f" <sip:user@example.com:6000;{_LONG}=1;{_LONG}param=value;{'x' * 300}>",
    f"F: sip:{_LONG}@example.net;tag={'tag' * 30};{_LONG}name={_LONG}value",
    f"Call-ID: longreq.{_LONG}callid",
    "CSeq: 3882340 INVITE",
    f"Unknown-{_LONG}-Name: unknown-{_LONG}-value; unknown-{_LONG}-parameter",
    "Via: SIP/2.0/TCP sip33.example.com",
    *(f"{_VIAS[hop % len(_VIAS)]}: SIP/2.0/TCP sip{hop}.example.com" for hop in range(32, 0, -1)),
    f"V: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch={_LONG}branch",
    "Max-Forwards: 70",
    f"Contact: <sip:{_LONG}@host5.example.net>",
    "Content-Type: application/sdp",
    f"l: {len(SDP)}",
    body=SDP,
)

VALID: dict[str, bytes] = {
    "wsinv": _WSINV,
    "intmeth": _INTMETH,
    "esc01": request(
        "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
        "To: sip:%75se%72@example.com",
        "From: <sip:I%20have%20spaces@example.net>;tag=938",
        "Contact: <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>",
    ),
    "escnull": request(
        "REGISTER sip:example.com SIP/2.0",
        "To: sip:null-%00-null@example.com",
        "From: sip:null-%00-null@example.com;tag=839923423",
        "Contact: <sip:%00@host5.example.com>",
        "Contact: <sip:%00%00@host5.example.com>",
    ),
    "esc02": request(
        "RE%47IST%45R sip:registrar.example.com SIP/2.0",
        'To: "%Z%45" <sip:resource@example.com>',
        'From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23',
        "Contact: <sip:alias1@host1.example.com>",
        "C%6Fntact: <sip:alias2@host2.example.com>",
        "Contact: <sip:alias3@host3.example.com>;%65xpires=600",
    ),
    "lwsdisp": request(
        "OPTIONS sip:user@example.com SIP/2.0",
        "From: caller<sip:caller@example.com>;tag=323",
    ),
    "longreq": _LONGREQ,
    "dblreq": request("REGISTER sip:example.com SIP/2.0", "Contact: sip:j@host.example.com")
    + request("INVITE sip:joe@example.com SIP/2.0", body=SDP),
    "semiuri": request("OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"),
    "transports": request(
        "OPTIONS sip:user@example.com SIP/2.0",
        "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw",
        "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf",
        "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj",
        "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en",
        "Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee",
    ),
    "mpart01": request(
        "MESSAGE sip:kumiko@example.org SIP/2.0",
        "Route: <sip:127.0.0.1:5080>",
        "Content-Transfer-Encoding: binary",
        "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655",
        "Date: Sat, 15 Oct 2005 04:44:56 GMT",
        body=b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
        b"--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n\r\n\x00\xff\x30\x82\r\n"
        b"--7a9cbec02ceef655--\r\n",
    ),
    "unreason": message(
        "SIP/2.0 200 = 2**3 * 5**2 \u043f\u0440\u043e\u0441\u0442\u043e",
        "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923",
        "Call-ID: unreason.1234ksdfak3j2erwedfsASdf",
        "CSeq: 35 INVITE",
        "From: sip:user@example.com;tag=11141343",
        "To: sip:user@example.edu;tag=2229",
        "Contact: <sip:user@host198.example.com>",
        "Content-Length: 0",
    ),
    "noreason": message(
        "SIP/2.0 100 ",
        "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe",
        "Call-ID: noreason.asndj203insdf99223ndf",
        "CSeq: 35 INVITE",
        "From: <sip:user@example.com>;tag=39ansfi3",
        "To: <sip:user@example.edu>;tag=902jndnke3",
        "Content-Length: 0",
    ),
}
"""By the RFC's name."""
