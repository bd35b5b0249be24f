"""Where the terminal stands on the chip, and what it has reached there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hardware_sim.chip import pace, terminal
from hardware_sim.chip.files import File, Place
from hardware_sim.chip.secure_messaging import Session
from hardware_sim.passport.abilities import AgreementKey
from hardware_sim.passport.algorithms import Pace


@dataclass(frozen=True, slots=True)
class State:
    """Everything that one command leaves for the next. Power off forgets it all.

    `begun_in` is where the session began: one of BAC does not outlive the application. `nonce`, `run` with `way`, and
    `chosen` are halves of a protocol that wait for the terminal's other half; any other command forgets them.
    `part` is what a chain of commands has brought so far. `identity`, `terminal_key`, `chain` and `rights` belong to Terminal Authentication and end with the session.
    """

    place: Place = Place.MASTER
    file: File | None = None
    session: Session | None = field(default=None, repr=False)
    begun_in: Place = Place.MASTER
    nonce: bytes | None = field(default=None, repr=False)
    run: pace.Conversation | None = field(default=None, repr=False)
    way: Pace | None = None
    run_chained: int = 0
    chosen: AgreementKey | None = None
    part: bytes = field(default=b"", repr=False)
    identity: bytes = field(default=b"", repr=False)
    terminal_key: bytes = field(default=b"", repr=False)
    chain: terminal.Chain | None = None
    rights: int = 0

    def without_halves(self) -> State:
        """The same, after a command that carries no protocol on."""
        chain = self.chain if self.chain is None else replace(self.chain, nonce=None)
        return replace(self, nonce=None, run=None, way=None, run_chained=0, chosen=None, part=b"", chain=chain)
