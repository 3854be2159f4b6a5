"""The names of SIP header fields: one spelling of each, and which hold lists."""

_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
"""The one-letter names of RFC 3261 and of its extensions, as IANA lists them."""

LISTS = frozenset(
    (
        *("Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info"),
        *("Allow", "Allow-Events", "Call-Info", "Contact", "Content-Encoding"),
        *("Content-Language", "Error-Info", "Geolocation", "History-Info", "In-Reply-To"),
        *("P-Asserted-Identity", "P-Preferred-Identity", "Path", "Proxy-Require", "Reason"),
        *("Record-Route", "Reject-Contact", "Require", "Route", "Security-Client"),
        *("Security-Server", "Security-Verify", "Service-Route", "Supported", "Unsupported"),
        *("Via", "Warning"),
    )
)
"""Where a comma separates values (RFC 3261, section 7.3.1); not so in Date or in challenges."""

_OTHER = (
    *("Authentication-Info", "Authorization", "Call-ID", "Content-Disposition"),
    *("Content-Length", "Content-Type", "CSeq", "Date", "Event", "Expires", "From"),
    *("Identity", "Identity-Info", "Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE"),
    *("Organization", "Priority", "Privacy", "Proxy-Authenticate", "Proxy-Authorization"),
    *("RAck", "Refer-To", "Referred-By", "Replaces", "Reply-To", "Request-Disposition"),
    *("Retry-After", "RSeq", "Server", "Session-Expires", "SIP-ETag", "SIP-If-Match"),
    *("Subject", "Subscription-State", "Target-Dialog", "Timestamp", "To", "User-Agent"),
    "WWW-Authenticate",
)

_BY_LOWER = {name.lower(): name for name in [*LISTS, *_OTHER]} | _COMPACT
KNOWN = {name: name for name in [*LISTS, *_OTHER]} | _BY_LOWER
KNOWN |= {letter.upper(): name for letter, name in _COMPACT.items()}
"""The canonical name of every usual spelling: the quick way past `canonical_name`."""


def canonical_name(name: str) -> str:
    """Return the one spelling of a header's name; compact forms are expanded."""
    known = KNOWN.get(name) or _BY_LOWER.get(name.lower())
    return known or "-".join(part.capitalize() for part in name.split("-"))
