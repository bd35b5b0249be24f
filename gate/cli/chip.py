"""Reading one chip over PC/SC for `gate document read`, with the time that each part took."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.errors import DriverError
from drivers.reader.pcsc import PcscReader
from gate.document.access.commands import Transmit
from gate.document.authenticity.terminal_authentication import ChainRequest, SignatureRequest
from gate.document.errors import ChipLostError
from gate.document.inspection import Portrait, Step, inspect
from gate.document.verdict.conclusion import Inspection
from gate.programs.lane.centre import ControlCentre
from gate.programs.lane.stages.centre import question_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from gate.document.mrz.parsing import Mrz
    from gate.document.pki.anchors import TrustAnchors

_FINGERS: Final = frozenset({3})
_SECURED: Final = 0x0C  # the class of commands within a session: the chip is open


@dataclass(frozen=True, slots=True, repr=False)
class Printed:
    """What is printed on the document and opens its chip: the MRZ, the card access number, or both."""

    mrz: Mrz | None
    card_access_number: str | None


async def read_chip(
    printed: Printed,
    *,
    anchors: TrustAnchors,
    reader_name: str,
    wait_s: float,
    centre: Path | None = None,
) -> tuple[Inspection, dict[str, float]]:
    """Wait for a document, inspect its chip, and say how many milliseconds access, reading and verifying took.

    With the socket of a control centre, the right to read fingers is asked for, too.

    Raises DriverError when there is no reader or no document; a chip that is lost gives an inspection that says so.
    """
    from gate.programs.shared import clock

    reader = PcscReader(reader_name, None)
    try:
        await reader.wait_for_card(wait_s)
        conversation = inspect(
            printed.mrz,
            anchors=anchors,
            now=clock.now(),
            random=secrets.token_bytes,
            card_access_number=printed.card_access_number,
            guarded=frozenset() if centre is None else _FINGERS,
            extended=reader.extended,
        )
        return await _converse(conversation, reader, None if centre is None else ControlCentre(centre))
    finally:
        await reader.close()


async def _converse(
    conversation: Generator[Step, bytes | None, Inspection],
    reader: PcscReader,
    centre: ControlCentre | None,
) -> tuple[Inspection, dict[str, float]]:
    """Carry the steps to the reader and back. Time outside the chip is ours: secure messaging and verification."""
    took_s = {"access": 0.0, "read": 0.0, "verify": 0.0}
    phase = "access"
    answer: bytes | None = None
    lost: ChipLostError | None = None
    while True:
        began = time.perf_counter()
        try:
            step = conversation.send(answer) if lost is None else conversation.throw(lost)
        except StopIteration as end:
            took_s["verify"] += time.perf_counter() - began
            return end.value, {name: round(seconds * 1000, 1) for name, seconds in took_s.items()}
        sent = time.perf_counter()
        took_s["verify"] += sent - began
        match step:
            case Transmit(apdu):
                phase = "read" if apdu[0] == _SECURED else phase
                try:
                    answer = await reader.transmit(apdu)
                except DriverError as error:
                    lost = ChipLostError(str(error))
            case Portrait():
                answer = None
            case ChainRequest() | SignatureRequest():
                answer = None if centre is None else await centre.ask(question_of(step))
        took_s[phase] += time.perf_counter() - sent
