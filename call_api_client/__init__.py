"""The Python library of Call API, and call-api-client. docs/library.md tells how to use it."""

from call_api_client.connecting import connect

__all__ = ["connect"]
