"""SIP messages that are wrong, made after the descriptions in RFC 4475, section 3.1.2.

A receiver may refuse each of them; what it may forgive, the RFC says of each.
"""

from tests.fakes.torture_messages import SDP, message, request

_INVITE = "INVITE sip:user@example.com SIP/2.0"
_OPTIONS = "OPTIONS sip:user@example.com SIP/2.0"
_REGISTER = "REGISTER sip:example.com SIP/2.0"

INVALID: dict[str, bytes] = {
    "badinv01": request(
        _INVITE, "Via: SIP/2.0/UDP 192.0.2.15;;,;,,", 'Contact: "Joe" <sip:joe@example.org>;;;;'
    ),
    "clerr": request(_INVITE, "Content-Length: 9999", body=SDP),
    "ncl": request(_INVITE, "Content-Length: -999", body=SDP),
    "scalar02": request(
        _REGISTER,
        "CSeq: 36893488147419103232 REGISTER",
        "Max-Forwards: 300",
        "Expires: 1000000000000000000000000000000",
        "Contact: <sip:user@host129.example.com>;expires=280297596632815",
    ),
    "scalarlg": message(
        "SIP/2.0 503 Service Unavailable",
        "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKzzxdiwo34sw",
        "To: <sip:user@example.com>",
        "From: <sip:other@example.net>;tag=2easdjfejw",
        "CSeq: 9292394834772304023312 OPTIONS",
        "Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r",
        "Retry-After: 949302838503028349304023988",
        'Warning: 1812 overture "In Progress"',
        "Content-Length: 0",
    ),
    "quotbal": request(_INVITE, 'To: "Mr. J. User <sip:j.user@example.com>'),
    "ltgtruri": request("INVITE <sip:user@example.com> SIP/2.0"),
    "lwsruri": request("INVITE sip:user@example.com; lr SIP/2.0"),
    "lwsstart": request("INVITE  sip:user@example.com  SIP/2.0"),
    "trws": request("OPTIONS sip:remote-target@example.com SIP/2.0  "),
    "escruri": request("INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"),
    "baddate": request(
        _INVITE,
        "Date: Fri, 01 Jan 2010 16:00:00 EST",
        "Contact: <sip:caller@host5.example.net>",
    ),
    "regbadct": request(_REGISTER, "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
    "badaspec": request(
        _OPTIONS,
        'From: "Bell, Alexander" <sip:a.g.bell@example.com>;tag=433423',
        'To: "Watson, Thomas" < sip:t.watson@example.org >',
    ),
    "baddn": request(_OPTIONS, "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43"),
    "badvers": request("OPTIONS sip:t.watson@example.org SIP/7.0"),
    "mismatch01": request(_OPTIONS, "CSeq: 8 INVITE"),
    "mismatch02": request("NEWMETHOD sip:user@example.com SIP/2.0", "CSeq: 8 INVITE"),
    "bigcode": message(
        "SIP/2.0 4294967301 better not break the receiver",
        "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe",
        "Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i",
        "CSeq: 353494 INVITE",
        "From: <sip:user@example.com>;tag=39ansfi3",
        "To: <sip:user@example.edu>;tag=902jndnke3",
        "Content-Length: 0",
    ),
}
"""By the RFC's name."""
