"""Verifies the registration and the assertions of passkeys (W3C Web Authentication, level 3).

The fido2 library verifies signatures, formats, origin and user verification. This module also refuses cross-origin
frames, reads the counter, and reads whether the passkey can be copied (*backup eligible*). No attestation is requested:
the service chooses its authenticators.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from fido2 import cbor
from fido2.cose import ES256, CoseKey, EdDSA
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)

from gate_core.orders.signed_text import KEY_BYTES
from gate_officers.authority.enrolment_history import Passkey
from gate_officers.authority.errors import Refusal, RefusedError

CREDENTIAL_BYTES_MAX: Final = 1023  # §4, credential ID
ALGORITHMS: Final = (EdDSA.ALGORITHM, ES256.ALGORITHM)
NONCE_BYTES: Final = 32
_LABEL: Final = b"portcullis-shift-key/1\n"
# The exceptions that the library raises for a malformed answer.
_NONE: Final = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError, NotImplementedError, OverflowError, RecursionError,
    struct.error, UnsupportedAlgorithm,
)  # fmt: skip

Answer = Mapping[str, Any]


def challenge(signing: bytes, sealing: bytes, nonce: bytes) -> bytes:
    """Return the 32-byte challenge that binds a shift's public keys to a nonce. Raises ValueError on wrong sizes."""
    if len(signing) != KEY_BYTES or len(sealing) != KEY_BYTES or len(nonce) != NONCE_BYTES:
        raise ValueError("two keys of 32 bytes and a nonce of 32")
    return hashlib.sha256(_LABEL + signing + sealing + nonce).digest()


class Passkeys:
    """Verifier for one relying party: `rp_id` is a domain, `origins` the origins of its pages."""

    def __init__(self, rp_id: str, origins: frozenset[str]) -> None:
        self.rp_id = rp_id
        self._server = Fido2Server(
            PublicKeyCredentialRpEntity(id=rp_id, name=rp_id), verify_origin=origins.__contains__
        )

    def made(self, challenge: bytes, answer: Answer) -> Passkey:
        """Verify a registration for this challenge and return the passkey. Raises RefusedError."""
        try:
            response = RegistrationResponse.from_dict(answer)
            _refuse_frames(response.response.client_data)
            data = self._server.register_complete(_asked(challenge), response).credential_data
            if (
                data is None
                or len(data.credential_id) > CREDENTIAL_BYTES_MAX
                or data.public_key.ALGORITHM not in ALGORITHMS
            ):
                raise ValueError("Not a passkey of a kind that we asked for.")
            said = response.response.attestation_object.auth_data
            return Passkey(data.credential_id, cbor.encode(dict(data.public_key)), said.counter, _is_synced(said))
        except _NONE as error:
            raise _no_proof(error) from error

    @staticmethod
    def credential(answer: Answer) -> bytes:
        """Return the credential ID that the assertion names, not yet verified. Raises RefusedError."""
        try:
            return AuthenticationResponse.from_dict(answer).raw_id
        except _NONE as error:
            raise _no_proof(error) from error

    def answered(self, challenge: bytes, answer: Answer, passkey: Passkey) -> int:
        """Verify this passkey's assertion for this challenge and return its counter. Raises RefusedError."""
        try:
            response = AuthenticationResponse.from_dict(answer)
            _refuse_frames(response.response.client_data)
            known = AttestedCredentialData.create(bytes(16), passkey.credential, _public(passkey))
            self._server.authenticate_complete(_asked(challenge), [known], response)
        except _NONE as error:
            raise _no_proof(error) from error
        said = response.response.authenticator_data
        if _is_synced(said) is not passkey.synced:  # §6.1.3: it never changes
            raise RefusedError(
                Refusal.SYNCED,
                "whether this passkey can be copied to other devices is not as it was enrolled; ask your supervisor",
            )
        return said.counter


def is_above(counter: int, last: int) -> bool:
    """True if the counter grew, or is 0 because it is not used. False: the passkey may have been cloned (§6.1.1)."""
    return counter > last or counter == last == 0


def _is_synced(said: AuthenticatorData) -> bool:
    """True if the backup flags (BE, BS) state that the passkey can be, or was, copied to other devices."""
    return bool(said.flags & (AuthenticatorData.FLAG.BE | AuthenticatorData.FLAG.BS))


def _asked(challenge: bytes) -> dict[str, object]:
    return {"challenge": websafe_encode(challenge), "user_verification": UserVerificationRequirement.REQUIRED}


def _refuse_frames(client_data: CollectedClientData) -> None:
    if client_data.cross_origin:
        raise ValueError("Made in a frame of another page.")


def _public(passkey: Passkey) -> CoseKey:
    cose = cbor.decode(passkey.key)
    if not isinstance(cose, Mapping):
        raise TypeError("no COSE key")
    return CoseKey.parse(cose)


def _no_proof(error: Exception) -> RefusedError:
    return RefusedError(Refusal.NO_PROOF, f"the passkey's answer does not hold: {str(error) or type(error).__name__}")
