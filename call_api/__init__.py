"""Call API: a daemon that starts, transfers, holds and ends SIP calls for its clients."""
