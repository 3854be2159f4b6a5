"""Who issues JSON web tokens: by the book, or not."""

import base64
import hashlib
import hmac
import json
from typing import Any

SECRET = "0123456789abcdef0123456789abcdef"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(claims: dict[str, Any], *, alg: str = "HS256", secret: str | bytes = SECRET) -> str:
    """A JWT that says it was made with ``alg``, and was made with HMAC and SHA-256."""
    parts = [json.dumps(one).encode() for one in ({"alg": alg, "typ": "JWT"}, claims)]
    text = ".".join(map(encoded, parts))
    key = secret.encode() if isinstance(secret, str) else secret
    return f"{text}.{encoded(hmac.digest(key, text.encode(), hashlib.sha256))}"


def unsigned(claims: dict[str, Any], alg: str = "none") -> str:
    """A JWT without a signature."""
    return signed(claims, alg=alg).rpartition(".")[0] + "."
