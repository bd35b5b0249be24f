"""The PC/SC reader before a real pcscd with a virtual card, told in a process of its own.

A process of its own because the PC/SC library reads the service's socket once. Prints one JSON line: what it measured, or why
there is no PC/SC here. Run as `python -m fakes.pcsc_reader_story FOLDER`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable
from pathlib import Path

from document_fakes.sample_passports import ANNA, portrait, utopia

from drivers.reader.pcsc import PcscReader
from gate_core.errors import CardGoneError, LinkLostError, NoReplyError
from hardware_sim.chip.reader import ChipReader

SELECT = bytes.fromhex("00A4040C07A0000002471001")
OK = b"\x90\x00"
COMMANDS = 50


async def expect(error: type[Exception], call: Awaitable[object]) -> None:
    try:
        await call
    except error:
        return
    raise AssertionError(f"{error.__name__} did not come")


async def tell(desk: ChipReader) -> dict[str, float]:
    passport = utopia().issue(ANNA, portrait_jpeg=portrait())
    reader = PcscReader("Virtual PCD", str(desk.socket))
    await expect(NoReplyError, reader.wait_for_card(0.2))

    desk.insert(passport)
    inserted_s = time.monotonic()
    await reader.wait_for_card(5)
    card_s = time.monotonic() - inserted_s

    waiting = asyncio.create_task(reader.wait_for_removal())
    began_s = time.monotonic()
    for _ in range(COMMANDS):
        assert await reader.transmit(SELECT) == OK
    command_s = (time.monotonic() - began_s) / COMMANDS
    await asyncio.sleep(0.5)
    assert not waiting.done()
    removed_s = time.monotonic()
    desk.remove()
    await waiting
    removal_s = time.monotonic() - removed_s
    await expect(CardGoneError, reader.transmit(SELECT))

    # Taken away before the service notices, and another one in its place at once.
    desk.insert(passport)
    await reader.wait_for_card(5)
    desk.remove()
    await expect(CardGoneError, reader.transmit(SELECT))
    await reader.disconnect()
    desk.insert(passport)
    await reader.wait_for_card(5)
    assert await reader.transmit(SELECT) == OK

    # The service dies under a watch and under a command, and comes back.
    waiting = asyncio.create_task(reader.wait_for_removal())
    await asyncio.sleep(0.3)
    desk.stop()
    await expect(LinkLostError, waiting)
    await expect(LinkLostError, reader.transmit(SELECT))
    await expect(LinkLostError, reader.wait_for_card(1))
    desk.start()
    desk.insert(passport)
    await reader.wait_for_card(5)
    assert await reader.transmit(SELECT) == OK
    await reader.close()
    return {"card_ms": card_s * 1000, "command_ms": command_s * 1000, "removal_ms": removal_s * 1000}


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
