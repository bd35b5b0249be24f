"""An officers' authority in this process, whose clocks are the test's."""

from __future__ import annotations

import os
from base64 import b64decode
from pathlib import Path
from typing import Any

from core_fakes.shifts import AUTHORITY, NOW_S
from officers_fakes.passkeys import ORIGIN, RP_ID, Authenticator

from gate_core.evidence.names import Role
from gate_core.orders.certificate import Certificate
from gate_core.orders.verbs import Party
from gate_officers.authority.act_log import ActLog
from gate_officers.authority.certificate_issuer import Authority, Clocks
from gate_officers.authority.enrolment_history import Standing
from gate_officers.authority.invitations import invite
from gate_officers.authority.passkeys import Passkeys, challenge

SIGNING, SEALING = b"s" * 32, b"x" * 32
SHIFT_S = 8 * 3600
STANDING = Standing(gates=("north-7",), party=Party.POLICE, role=Role.OFFICER, trained=False)


class Desk:
    """The authority, its log and its clocks; `invite` is the supervisor's act at its machine."""

    def __init__(self, folder: Path, *, rp_id: str = RP_ID, origins: frozenset[str] = frozenset({ORIGIN})) -> None:
        self.path = folder / "book.jsonl"
        self.now_s = NOW_S
        self.monotonic_s = 0.0
        self._rp = Passkeys(rp_id, origins)
        self.authority = self.start()

    def start(self) -> Authority:
        """A new start of the service."""
        return Authority(
            act_log=ActLog(self.path),
            key=AUTHORITY,
            passkeys=self._rp,
            shift_s=SHIFT_S,
            clocks=Clocks(lambda: self.now_s, lambda: self.monotonic_s),
            random=os.urandom,
        )

    def invite(self, officer: str = "anna", standing: Standing = STANDING, *, synced: bool = False) -> str:
        """The one-time code."""
        return invite(ActLog(self.path), officer, standing, now_s=self.now_s, random=os.urandom, synced=synced)[0]

    def enrolled(
        self, officer: str = "anna", *, standing: Standing = STANDING, synced: bool = False, **passkey: Any
    ) -> Authenticator:
        """Somebody's passkey, enrolled."""
        code, passkey_ = self.invite(officer, standing, synced=synced), Authenticator(**passkey)
        nonce = self.nonce(self.authority.creation(officer, code))
        self.authority.enrol(officer, code, nonce, passkey_.make(nonce), console="hall-b")
        return passkey_

    @staticmethod
    def nonce(told: dict[str, Any]) -> bytes:
        """The nonce in what the authority told."""
        return b64decode(told["nonce"])

    def certified(self, passkey: Authenticator, signing: bytes = SIGNING) -> tuple[bytes, Certificate]:
        """What the authority gives for an honest answer of this passkey."""
        nonce = self.nonce(self.authority.request())
        answer = passkey.answer(challenge(signing, SEALING, nonce))
        return self.authority.certify(signing, SEALING, nonce, answer, console="hall-b")
