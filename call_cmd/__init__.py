"""call-cmd: the friendly command line of Call API."""
