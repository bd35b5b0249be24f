"""Enrols the passkeys of invited officers, and issues their shift certificates.

A certificate requires an assertion by an enrolled passkey, with user verification, over a nonce of this authority that
is unused and at most two minutes old. It is in the log before it is returned. Certificates are not revoked: a removed
officer gets no new one. Clock, randomness, key and log are arguments.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_core.orders.certificate import CLOCKS_APART_S, Certificate, certify
from gate_officers.authority.act_log import ActLog
from gate_officers.authority.enrolment_history import Certified, Doubted, Enrolled, Standing
from gate_officers.authority.errors import Refusal, RefusedError
from gate_officers.authority.invitations import require_invitation
from gate_officers.authority.passkeys import ALGORITHMS, NONCE_BYTES, Answer, Passkeys, challenge, is_above

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NONCE_S: Final = 120
NONCES_MAX: Final = 4096  # at the limit the oldest is dropped; its sign-in must start again


@dataclass(frozen=True, slots=True)
class Clocks:
    """`now_s`: seconds since 1970. `monotonic_s`: monotonic seconds, for time limits."""

    now_s: Callable[[], int]
    monotonic_s: Callable[[], float]


class Nonces:
    """Issued nonces, each valid once and for NONCE_S seconds. In memory only: a restart invalidates them."""

    def __init__(self, clocks: Clocks, random: Callable[[int], bytes]) -> None:
        self._clocks = clocks
        self._random = random
        self._given: dict[bytes, float] = {}

    def give(self) -> bytes:
        """Return a new nonce of NONCE_BYTES."""
        while len(self._given) >= NONCES_MAX:
            del self._given[next(iter(self._given))]
        nonce = self._random(NONCE_BYTES)
        self._given[nonce] = self._clocks.monotonic_s()
        return nonce

    def use(self, nonce: bytes) -> None:
        """Consume a nonce. Raises RefusedError if it is unknown, used, or older than NONCE_S."""
        given_s = self._given.pop(nonce, None)
        if given_s is None or self._clocks.monotonic_s() - given_s > NONCE_S:
            raise RefusedError(
                Refusal.STALE, "this sign-in took more than two minutes, or was used already; begin again"
            )


class Authority:
    """One authority. `key` signs the certificates; each is valid for `shift_s` seconds from its issue."""

    def __init__(
        self,
        *,
        act_log: ActLog,
        key: Ed25519PrivateKey,
        passkeys: Passkeys,
        shift_s: int,
        clocks: Clocks,
        random: Callable[[int], bytes],
    ) -> None:
        self._act_log = act_log
        self._key = key
        self._passkeys = passkeys
        self._shift_s = shift_s
        self._clocks = clocks
        self._nonces = Nonces(clocks, random)

    # ── enrolling ────────────────────────────────────────────────────────────────────────────────────────────────────

    def creation(self, officer: str, code: str) -> dict[str, object]:
        """Return a nonce, and the `PublicKeyCredentialCreationOptionsJSON` that has it as its challenge, for an invited
        officer's browser. Raises RefusedError and ActLogError.
        """
        require_invitation(self._act_log.look().known.get(officer), code, self._clocks.now_s())
        nonce = self._nonces.give()
        options = {
            "attestation": "none",
            "authenticatorSelection": {
                "requireResidentKey": True,
                "residentKey": "required",
                "userVerification": "required",
            },
            "challenge": _websafe(nonce),
            "pubKeyCredParams": [{"alg": algorithm, "type": "public-key"} for algorithm in ALGORITHMS],
            "rp": {"id": self._passkeys.rp_id, "name": self._passkeys.rp_id},
            "user": {
                "displayName": officer,
                "id": _websafe(hashlib.sha256(officer.encode()).digest()),
                "name": officer,
            },
        }
        return {"nonce": b64encode(nonce).decode(), "options": options}

    def enrol(self, officer: str, code: str, nonce: bytes, answer: Answer, *, console: str) -> None:
        """Enrol the passkey of an invited officer, and use up the code. Raises RefusedError and ActLogError."""
        self._nonces.use(nonce)
        passkey = self._passkeys.made(nonce, answer)
        with self._act_log.adding() as people:
            now_s = self._clocks.now_s()
            invitation = require_invitation(people.known.get(officer), code, now_s)
            if passkey.synced and not invitation.synced:
                raise RefusedError(
                    Refusal.SYNCED,
                    "this passkey can be copied to other devices; use a security key, or have such a one allowed",
                )
            if people.owner(passkey.credential) is not None:
                raise RefusedError(Refusal.TAKEN, "this passkey is enrolled already")
            self._act_log.add(
                Enrolled(
                    at=now_s,
                    officer=officer,
                    console=console,
                    counter=passkey.counter,
                    credential=passkey.credential,
                    key=passkey.key,
                    synced=passkey.synced,
                )
            )

    # ── certifying ───────────────────────────────────────────────────────────────────────────────────────────────────

    def request(self) -> dict[str, object]:
        """Return what a browser needs for a certification: a nonce in Base64, and the passkeys' relying party ID."""
        return {"nonce": b64encode(self._nonces.give()).decode(), "rp_id": self._passkeys.rp_id}

    def certify(
        self, signing: bytes, sealing: bytes, nonce: bytes, answer: Answer, *, console: str
    ) -> tuple[bytes, Certificate]:
        """Certify two public keys (Ed25519 and X25519, 32 bytes each). Raises RefusedError and ActLogError."""
        self._nonces.use(nonce)
        credential = self._passkeys.credential(answer)
        with self._act_log.adding() as people:
            officer = people.owner(credential)
            person = people.known.get(officer) if officer is not None else None
            if officer is None or person is None or person.passkey is None:
                raise RefusedError(Refusal.NOT_ENROLLED, "this passkey is not enrolled, or its owner was removed")
            counter = self._passkeys.answered(challenge(signing, sealing, nonce), answer, person.passkey)
            now_s = self._clocks.now_s()
            if not is_above(counter, person.passkey.counter):
                self._act_log.add(Doubted(at=now_s, officer=officer, console=console, counter=counter))
                raise RefusedError(
                    Refusal.COUNTER, "the passkey's counter went back: there may be a second one; tell your supervisor"
                )
            certificate = certificate_for(
                officer,
                person.standing,
                b64encode(signing).decode(),
                b64encode(sealing).decode(),
                now_s,
                shift_s=self._shift_s,
            )
            raw = certify(certificate, self._key)
            self._act_log.add(
                Certified(
                    at=now_s,
                    officer=officer,
                    console=console,
                    counter=counter,
                    key=certificate.key,
                    not_before=certificate.not_before,
                    sealing=b64encode(sealing).decode(),
                    standing=person.standing,
                    until=certificate.until,
                )
            )
        return raw, certificate


def certificate_for(
    officer: str, standing: Standing, key: str, sealing: str | None, now_s: int, *, shift_s: int
) -> Certificate:
    """Return the unsigned certificate of a shift key that is valid from now for `shift_s`. Both keys are in Base64.

    It is valid CLOCKS_APART_S earlier, for gates whose clock is slow.
    """
    return Certificate(
        gates=standing.gates,
        key=key,
        not_before=now_s - CLOCKS_APART_S,
        officer=officer,
        party=standing.party,
        role=standing.role,
        sealing=sealing,
        trained=standing.trained,
        until=now_s + shift_s,
    )


def _websafe(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64(text: str) -> bytes:
    """Decode canonical Base64. Raises ValueError for any other encoding of the same bytes."""
    raw = b64decode(text, validate=True)
    if b64encode(raw).decode() != text:
        raise ValueError("another spelling of Base64")
    return raw
