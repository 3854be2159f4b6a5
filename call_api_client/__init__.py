"""The Python library of Call API, and call-api-client."""
