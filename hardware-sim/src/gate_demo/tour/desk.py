"""The officers' authority of the tour, for whoever sits at its page: certifies the keys that the console's own script made in that browser.

In the place of a passkey stands the secret that the tour's page was opened with. So whoever watches need not sign in, and sees a traveller's
pictures, which are sealed to their browser's key.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_core.evidence.names import Role
from gate_core.orders.certificate import CLOCKS_APART_S, Certificate, certify
from gate_core.orders.keys import read_authority
from gate_core.orders.verbs import Party
from gate_core.programs.clock import now

if TYPE_CHECKING:
    from pathlib import Path

OFFICER: Final = "you"
SHIFT_S: Final = 3600
NONCE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Desk:
    """`authority` is the file of the demo's own, `gate` the one at which whoever sits here may order."""

    authority: Path
    gate: str

    def nonce(self) -> str:
        """What the browser's passkey would answer; here nobody looks at it again."""
        return b64encode(secrets.token_bytes(NONCE_BYTES)).decode()

    def certify(self, signing: str, sealing: str) -> str:
        """A certificate, Base64, for these public halves, Base64. Raises OrderError and OSError."""
        now_s = int(now().timestamp())
        wanted = Certificate(
            gates=(self.gate,),
            key=signing,
            not_before=now_s - CLOCKS_APART_S,
            officer=OFFICER,
            party=Party.POLICE,
            role=Role.OFFICER,
            sealing=sealing,
            trained=False,
            until=now_s + SHIFT_S,
        )
        return b64encode(certify(wanted, read_authority(self.authority.read_bytes()))).decode()
