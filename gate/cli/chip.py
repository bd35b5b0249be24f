"""Reads one chip over PC/SC for `gate document read`, and measures the time of each part."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import TYPE_CHECKING, Final

from drivers.reader.pcsc import PcscReader
from gate.programs.lane.document.inspection import converse, question_of
from gate.programs.lane.document_session import ControlCentre
from gate_documents.inspection import Portrait, inspect
from gate_documents.lds.files import FINGERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gate_documents.authenticity.terminal_authentication import CentreRequest
    from gate_documents.mrz.parser import Mrz
    from gate_documents.pki.anchors import TrustAnchors
    from gate_documents.verdict.conclusion import Inspection

_SECURED: Final = 0x0C  # the class of commands within a session: the chip is open


async def read_chip(
    mrz: Mrz | None,
    card_access_number: str | None,
    *,
    anchors: TrustAnchors,
    reader_name: str,
    wait_s: float,
    centre: Path | None,
) -> tuple[Inspection, dict[str, float]]:
    """Wait for a document, inspect its chip, and measure the milliseconds of access, reading and verification. The chip is opened with
    the printed MRZ, the card access number, or both.

    With the socket of a control centre, it also requests the right to read fingers.

    Raises DriverError without a reader or document; a lost chip gives an inspection that states it.
    """
    from gate_core.programs import clock

    reader = PcscReader(reader_name, None)
    try:
        await reader.wait_for_card(wait_s)
        conversation = inspect(
            mrz,
            anchors=anchors,
            now=clock.now(),
            random=secrets.token_bytes,
            card_access_number=card_access_number,
            guarded=frozenset(() if centre is None else {FINGERS}),
            extended=reader.extended,
        )
        stopwatch, began_s = _Stopwatch(reader, None if centre is None else ControlCentre(centre)), time.perf_counter()
        inspection = await converse(conversation, stopwatch.transmit, on_portrait=_keep, ask_centre=stopwatch.ask)
        # Time outside of the chip is ours: secure messaging and verification.
        took_s = {**stopwatch.took_s, "verify": time.perf_counter() - began_s - sum(stopwatch.took_s.values())}
        return inspection, {part: round(seconds * 1000, 1) for part, seconds in took_s.items()}
    finally:
        await reader.close()


class _Stopwatch:
    """Sends commands to the chip and questions to the centre, and adds up their times before and after the chip was opened."""

    def __init__(self, reader: PcscReader, centre: ControlCentre | None) -> None:
        self._reader = reader
        self._centre = centre
        self._part = "access"
        self.took_s = {"access": 0.0, "read": 0.0}

    async def transmit(self, apdu: bytes) -> bytes:
        if apdu[0] == _SECURED:
            self._part = "read"
        with self._running():
            return await self._reader.transmit(apdu)

    async def ask(self, request: CentreRequest) -> bytes | None:
        with self._running():
            return None if self._centre is None else await self._centre.ask(question_of(request))

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        began_s = time.perf_counter()
        try:
            yield
        finally:
            self.took_s[self._part] += time.perf_counter() - began_s


async def _keep(_: Portrait) -> None:
    """Ignore the portrait."""
