"""Reading a signed token (RFC 7519, RS256) as a provider does."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256


def claims(token: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """What it claims; raises where the signature is not right."""
    head, body, signature = token.split(".")
    assert json.loads(_octets(head)) == {"alg": "RS256", "typ": "JWT"}
    key.public_key().verify(_octets(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256())
    read: dict[str, Any] = json.loads(_octets(body))
    return read


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
