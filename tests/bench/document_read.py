"""Whole reads of one passport through a pcscd of its own, measured in a process of its own.

A process of its own because the PC/SC library reads the service's socket once, and the demo that is measured beside it has
another. Prints one JSON line: the medians, or why there is no PC/SC here. Run as `python -m bench.document_read FOLDER ROUNDS`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import secrets
import statistics
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from document_fakes.inspections import NOW, anchors, results
from document_fakes.sample_passports import ANNA, portrait, utopia

from drivers.reader.pcsc import PcscReader
from gate.programs.lane.document.inspection import converse
from gate_documents.authenticity.terminal_authentication import CentreRequest
from gate_documents.inspection import Portrait, inspect
from gate_documents.mrz.parser import parse
from hardware_sim.chip.card import Switches
from hardware_sim.chip.reader import ChipReader
from hardware_sim.passport.issuer import Passport

PICTURE_WIDTH, PICTURE_HEIGHT = 122, 160  # as a JPEG of noise about 15 kB
SLOW_CARD: Switches = {"bit_rate_kbit_s": 424.0, "delay_per_apdu_ms": 10.0}
SLOW_ROUNDS_MAX = 5  # each takes seconds, nearly all of them asleep
CARD_DEADLINE_S = 5.0


class TimedService:
    """The PC/SC library, keeping account of the time that is spent in its transmissions. All else is the library's."""

    def __init__(self, scard: ModuleType) -> None:
        self._scard = scard
        self.transmitting_s = 0.0
        self.commands = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scard, name)

    def SCardTransmit(self, card: int, protocol: int, apdu: list[int]) -> Any:  # noqa: N802 - the library's
        began_s = time.perf_counter()
        answer = self._scard.SCardTransmit(card, protocol, apdu)
        self.transmitting_s += time.perf_counter() - began_s
        self.commands += 1
        return answer


async def read_once(reader: PcscReader, service: TimedService, passport: Passport) -> tuple[float, float]:
    """Milliseconds of one inspection, and those of them that were not spent in the service, its reader and the card."""

    async def drop(_: Portrait) -> None:
        pass

    async def refuse(_: CentreRequest) -> None:
        pass

    mrz = parse(passport.mrz_lines)
    trusted = anchors()
    service.transmitting_s, service.commands = 0.0, 0
    began_s = time.perf_counter()
    inspection = await converse(
        inspect(mrz, anchors=trusted, now=NOW, random=secrets.token_bytes), reader.transmit, drop, refuse
    )
    took_s = time.perf_counter() - began_s
    wrong = results(inspection)
    if wrong:
        raise RuntimeError(f"not a good read: {wrong}")
    return took_s * 1000, (took_s - service.transmitting_s) * 1000


async def measured(desk: ChipReader, rounds: int) -> dict[str, float]:
    """The medians with an undelayed card and with a slow one; the first read of each is not counted."""
    service = TimedService(importlib.import_module("smartcard.scard"))
    reader = PcscReader("Virtual PCD", str(desk.socket), scard=service)
    picture = portrait(width=PICTURE_WIDTH, height=PICTURE_HEIGHT)
    passport = utopia().issue(ANNA, portrait_jpeg=picture, active_authentication="rsa", signer="p256")
    told: dict[str, float] = {"dg2_bytes": len(passport.files["EF_DG2"])}
    cards: tuple[tuple[str, Switches, int], ...] = (
        ("undelayed", {}, rounds),
        ("slow", SLOW_CARD, min(rounds, SLOW_ROUNDS_MAX)),
    )
    for name, switches, count in cards:
        desk.insert(passport, **switches)
        await reader.wait_for_card(CARD_DEADLINE_S)
        reads = [await read_once(reader, service, passport) for _ in range(1 + count)][1:]
        told[f"{name}_ms"] = statistics.median(took for took, _ in reads)
        told[f"{name}_ours_ms"] = statistics.median(ours for _, ours in reads)
        told[f"{name}_commands"] = service.commands
        desk.remove()
        await reader.wait_for_removal()
    await reader.close()
    return told


def main() -> None:
    """Measure and print."""
    desk = ChipReader(Path(sys.argv[1]))
    desk.start()
    try:
        told = {"absent": desk.why} if desk.kind != "pcsc" else asyncio.run(measured(desk, int(sys.argv[2])))
        json.dump(told, sys.stdout)
    finally:
        desk.stop()


if __name__ == "__main__":
    main()
