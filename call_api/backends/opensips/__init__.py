"""The back end for an OpenSIPS proxy: its management interface and its events."""
