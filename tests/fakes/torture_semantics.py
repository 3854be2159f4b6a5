"""SIP messages that try more than a parser, after RFC 4475, sections 3.2 to 3.4.

Their syntax is right, but for the ones that miss something or have it twice; what they ask for
is odd.
"""

from tests.fakes.torture_messages import SDP, message, request

_INVITE = "INVITE sip:user@example.com SIP/2.0"
_OPTIONS = "OPTIONS sip:user@example.com SIP/2.0"
_REGISTER = "REGISTER sip:example.com SIP/2.0"
_CONTACT = "Contact: <sip:caller@host5.example.net>"
_SDP = "Content-Type: application/sdp"

SEMANTIC: dict[str, bytes] = {
    "badbranch": request(_OPTIONS, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"),
    "insuf": message(
        _INVITE,
        "CSeq: 193942 INVITE",
        "Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf",
        _SDP,
        f"l: {len(SDP)}",
        body=SDP,
    ),
    "unkscm": request("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"),
    "novelsc": request("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"),
    "unksm2": request(
        _REGISTER,
        "To: isbn:2983792873",
        "From: <http://www.example.com>;tag=3234233",
        "Contact: <name:John_Smith>",
    ),
    "bext01": request(
        _OPTIONS,
        "Require: nothingSupportsThis, nothingSupportsThisEither",
        "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis",
    ),
    "invut": request(
        _INVITE,
        _CONTACT,
        "Content-Type: application/unknownformat",
        body=b'<audio>\r\n <pcmu port="443"/>\r\n</audio>\r\n',
    ),
    "regaut01": request(_REGISTER, "Authorization: NoOneKnowsThisScheme opaque-data=here"),
    "multi01": message(
        _INVITE,
        "Contact: <sip:caller@host25.example.net>",
        "Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw",
        "Max-Forwards: 70",
        "CSeq: 5 INVITE",
        "Call-ID: multi01.98asdh@192.0.2.1",
        "CSeq: 59 INVITE",
        "Call-ID: multi01.98asdh@192.0.2.2",
        "From: sip:caller@example.com;tag=3413415",
        "To: sip:user@example.com",
        "To: sip:other@example.net",
        "From: sip:caller@example.net;tag=2923420123",
        _SDP,
        f"l: {len(SDP)}",
        "Contact: <sip:caller@host36.example.net>",
        "Max-Forwards: 5",
        body=SDP,
    ),
    "mcl01": message(
        _OPTIONS,
        "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bK293423",
        "To: sip:user@example.com",
        "From: sip:other@example.net;tag=3923942",
        "Call-ID: mcl01.fhn2323orihawfdoa3o4r52o3irsdf",
        "CSeq: 15932 OPTIONS",
        "Content-Length: 13",
        "Max-Forwards: 60",
        "Content-Length: 5",
        "Content-Type: text/plain",
        body=b"How many octets are supposed to be here?\r\n",
    ),
    "bcast": message(
        "SIP/2.0 200 OK",
        "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923",
        "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23",
        "Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf",
        "CSeq: 35 INVITE",
        "From: sip:user@example.com;tag=11141343",
        "To: sip:user@example.edu;tag=2229",
        _SDP,
        "Contact: <sip:user@host28.example.com>",
        f"Content-Length: {len(SDP)}",
        body=SDP,
    ),
    "zeromf": request(_OPTIONS, "Max-Forwards: 0"),
    "cparam01": request(_REGISTER, "Contact: sip:+19725552222@gw1.example.net;unknownparam"),
    "cparam02": request(_REGISTER, "Contact: <sip:+19725552222@gw1.example.net;unknownparam>"),
    "regescrt": request(
        _REGISTER, "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"
    ),
    "sdp01": request(_INVITE, _CONTACT, "Accept: text/nobodyKnowsThis", _SDP, body=SDP),
    "inv2543": message(
        "INVITE sip:UserB@example.com SIP/2.0",
        "Via: SIP/2.0/UDP iftgw.example.com",
        "From: <sip:+13035551111@ift.client.example.net;user=phone>",
        "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>",
        "To: sip:+16505552222@ss1.example.net;user=phone",
        "Call-ID: inv2543.1717@ift.client.example.com",
        "CSeq: 56 INVITE",
        _SDP,
        body=SDP,
    ),
}
"""By the RFC's name."""
