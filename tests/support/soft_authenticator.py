"""An authenticator in software: makes passkeys and signs with them, rightly or wrongly as it is told."""

import base64
import hashlib
import json
import os
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One device with one passkey. `counts` False: it says 0 for ever, as synced ones do."""

    origin: str
    rp_id: str
    flags: int = PRESENT | VERIFIED
    count: int = 0
    counts: bool = True
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: str) -> str:
        """The answer to what a browser is asked when a passkey is to be made."""
        asked = json.loads(options)
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + cbor2.dumps(cose)
        data = self._data(self.flags | ATTESTED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._said({"clientDataJSON": to_text(client), "attestationObject": to_text(statement)})

    def sign(self, options: str, *, count: int | None = None) -> str:
        """The answer to what a browser is asked when somebody signs in."""
        asked = json.loads(options)
        self.count = count if count is not None else self.count + 1
        data = self._data(self.flags)
        client = self._client("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._said(
            {
                "clientDataJSON": to_text(client),
                "authenticatorData": to_text(data),
                "signature": to_text(signature),
                "userHandle": to_text(b"whoever"),
            }
        )

    def _data(self, flags: int) -> bytes:
        count = self.count if self.counts else 0
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", count)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _said(self, response: dict[str, Any]) -> str:
        named = to_text(self.credential)
        return json.dumps({"id": named, "rawId": named, "type": "public-key", "response": response})


def to_text(octets: bytes) -> str:
    """base64url, as browsers write it."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
