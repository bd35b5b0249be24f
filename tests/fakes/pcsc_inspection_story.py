"""Whole inspections through a real pcscd with the virtual card, told in a process of its own.

A process of its own because the PC/SC library reads the service's socket once. Prints one JSON line: for each kind of chip the
checks that were not successful, how it was opened and proven, and the milliseconds that it took; or why there is no PC/SC here. Run as
`python -m fakes.pcsc_inspection_story FOLDER`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from pathlib import Path

from document_fakes.inspections import NOW, anchors, results
from document_fakes.sample_passports import ANNA, portrait, utopia

from drivers.reader.pcsc import PcscReader
from gate_documents.access.commands import Transmit
from gate_documents.checks import CheckId
from gate_documents.inspection import inspect
from gate_documents.mrz.parser import parse
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.chip.reader import ChipReader
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport

ROUNDS = 5
PICTURE = portrait(90, width=122, height=160)  # about 15 kB


def _pace(mapping: Mapping) -> Features:
    return Features(pace=(Pace(mapping, 12, Cipher.AES_128),))


CHIPS = {
    "BAC, AA": Features(),
    "BAC, CA": Features(chip_authentication=(Agreement(13, Cipher.AES_128),)),
    "PACE-GM": _pace(Mapping.GENERIC),
    "PACE-IM": _pace(Mapping.INTEGRATED),
    "PACE-CAM": _pace(Mapping.CHIP_AUTHENTICATION),
}


async def inspected(reader: PcscReader, passport: Passport) -> Inspection:
    conversation = inspect(parse(passport.mrz_lines), anchors=anchors(), now=NOW, random=secrets.token_bytes)
    answer: bytes | None = None
    while True:
        try:
            step = conversation.send(answer)
        except StopIteration as end:
            inspection: Inspection = end.value
            return inspection
        answer = await reader.transmit(step.apdu) if isinstance(step, Transmit) else None


async def tell(desk: ChipReader) -> dict[str, object]:
    told: dict[str, object] = {"portrait_bytes": len(PICTURE)}
    reader = PcscReader("Virtual PCD", str(desk.socket))
    for name, features in CHIPS.items():
        passport = utopia().issue(
            ANNA, portrait_jpeg=PICTURE, features=features, active_authentication="ecdsa", signer="p256"
        )
        desk.insert(passport)
        await reader.wait_for_card(5)
        took_ms = []
        for _ in range(ROUNDS):
            began_s = time.monotonic()
            inspection = await inspected(reader, passport)
            took_ms.append((time.monotonic() - began_s) * 1000)
        told[name] = {
            "wrong": results(inspection),
            "access": str(inspection.access),
            "proof": next(check.reason for check in inspection.checks if check.id is CheckId.CHIP_AUTHENTICITY),
            "took_ms": round(sorted(took_ms)[ROUNDS // 2], 1),
        }
        desk.remove()
        await reader.wait_for_removal()
    await reader.close()
    return told


def main() -> None:
    desk = ChipReader(Path(sys.argv[1]))
    desk.start()
    try:
        if desk.kind != "pcsc":
            json.dump({"absent": desk.why}, sys.stdout)
            return
        json.dump(asyncio.run(tell(desk)), sys.stdout)
    finally:
        desk.stop()


if __name__ == "__main__":
    main()
