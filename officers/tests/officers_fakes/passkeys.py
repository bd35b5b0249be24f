"""An authenticator and the browser before it, in Python: makes passkeys and answers with them, as honest as it is told to be."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import CoseKey
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

ORIGIN = "https://console.example:8443"
RP_ID = "console.example"
FLAG = AuthenticatorData.FLAG


def websafe(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _cose(key: ec.EllipticCurvePrivateKey) -> CoseKey:
    """RFC 9053 §7.1.1, with ES256."""
    point = key.public_key().public_numbers()
    return CoseKey.parse({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})


@dataclass
class Authenticator:
    """One passkey. `counts` False: as one that is kept in a cloud, whose counter stays 0. `backup`: what it says of copies of itself (BE, BS)."""

    counts: bool = True
    backup: FLAG = FLAG(0)  # noqa: RUF009 - a number
    verifies: bool = True
    origin: str = ORIGIN
    rp_id: str = RP_ID
    crosses: bool = False
    counter: int = 0
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, challenge: bytes) -> dict[str, Any]:
        """`RegistrationResponseJSON`."""
        data = AttestedCredentialData.create(bytes(16), self.credential, _cose(self.key))
        attestation = AttestationObject.create("none", self._data(FLAG.AT, data), {})
        return self._response(
            clientDataJSON=websafe(self._client_data("webauthn.create", challenge)),
            attestationObject=websafe(attestation),
        )

    def answer(self, challenge: bytes) -> dict[str, Any]:
        """`AuthenticationResponseJSON`."""
        self.counter += self.counts
        data, client_data = self._data(FLAG(0)), self._client_data("webauthn.get", challenge)
        signature = self.key.sign(bytes(data) + sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._response(
            clientDataJSON=websafe(client_data),
            authenticatorData=websafe(data),
            signature=websafe(signature),
            userHandle=None,
        )

    def _data(self, flags: FLAG, credential: bytes = b"") -> AuthenticatorData:
        verified = FLAG.UV if self.verifies else FLAG(0)
        return AuthenticatorData.create(
            sha256(self.rp_id.encode()).digest(), flags | FLAG.UP | verified | self.backup, self.counter, credential
        )

    def _client_data(self, type_: str, challenge: bytes) -> bytes:
        return CollectedClientData.create(type_, challenge, self.origin, cross_origin=self.crosses)

    def _response(self, **response: Any) -> dict[str, Any]:
        return {
            "id": websafe(self.credential),
            "rawId": websafe(self.credential),
            "type": "public-key",
            "clientExtensionResults": {},
            "authenticatorAttachment": "cross-platform",
            "response": response,
        }
