"""SIP (RFC 3261) without I/O: messages, transactions, dialogs, digest, SDP, registrar."""
