"""The back end that needs no proxy: registrar and back-to-back user agent in the daemon."""
