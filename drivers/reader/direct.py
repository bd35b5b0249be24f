"""Chips over the simulator's APDU link, for machines without PC/SC. Simulated: never in service. Fills the same port as the PC/SC reader.

Each message is a 4-byte big-endian length and a body, both ways. Requests: 0x00: is a card present (answer 0 or 1); 0x01: power on
(answer ATR, empty without a card); 0x02 and a command (answer 0x00 and the response, or 0x01 if the card is gone).
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

from gate_core.errors import BadFrameError, CardGoneError, LinkLostError, NoReplyError

APDU_BYTES_MAX = 4 + 3 + 65_535 + 3
MESSAGE_BYTES_MAX = 1 + 65_536 + 2
COMMAND_DEADLINE_S = 10.0
LOOK_EVERY_S = 0.05  # the link has no message for a change, so presence is asked for
_LENGTH = struct.Struct(">I")
_PRESENT, _POWER_ON, _TRANSMIT = b"\x00", b"\x01", b"\x02"


class DirectReader:
    """One simulated chip reader behind a Unix socket."""

    simulated = True
    extended = True

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()
        self.present = False  # when last looked at
        self._powered = False

    async def open(self) -> None:
        """Connect to the simulator. Raises LinkLostError."""
        await self._look()

    async def look(self) -> None:
        """Check that it is still there. Raises LinkLostError."""
        await self._look()

    async def wait_for_card(self, timeout_s: float) -> None:
        """Wait for a card and power it on. Raises NoReplyError after the time, CardGoneError if it left at once, LinkLostError."""
        clock = asyncio.get_running_loop().time
        deadline_s = clock() + timeout_s
        while not await self._look():
            if clock() >= deadline_s:
                raise NoReplyError("no card came")
            await asyncio.sleep(LOOK_EVERY_S)
        if not await self._ask(_POWER_ON):
            raise CardGoneError("the card left before it was powered on")
        self._powered = True

    async def transmit(self, apdu: bytes) -> bytes:
        """Send one command, return data and status word.

        Raises CardGoneError when the card left, NoReplyError past the deadline, BadFrameError, LinkLostError.
        """
        if not 4 <= len(apdu) <= APDU_BYTES_MAX:
            raise ValueError(f"a command of {len(apdu)} bytes")
        if not self._powered:
            raise CardGoneError("no card is connected")
        answer = await self._ask(_TRANSMIT + apdu)
        if answer == b"\x01":
            self._powered = self.present = False
            raise CardGoneError("the card is gone")
        if len(answer) < 3 or answer[0] != 0:
            raise BadFrameError(f"an answer of {len(answer)} bytes to a command")
        return answer[1:]

    async def wait_for_removal(self) -> None:
        """Return once the card is no longer there. Raises LinkLostError."""
        while await self._look():  # noqa: ASYNC110 - the other process has no event to wait for
            await asyncio.sleep(LOOK_EVERY_S)

    async def disconnect(self) -> None:
        """Release the card; the next power-on resets it."""
        self._powered = False

    async def close(self) -> None:
        """Close the connection."""
        self._hang_up()

    async def _look(self) -> bool:
        answer = await self._ask(_PRESENT)
        if answer not in (b"\x00", b"\x01"):
            raise BadFrameError("an answer to the question for a card that is neither yes nor no")
        self.present = answer == b"\x01"
        return self.present

    async def _ask(self, body: bytes) -> bytes:
        """Send one question and return its answer. Any failure closes the connection, so that no answer meets a later question."""
        async with self._turn:
            try:
                async with asyncio.timeout(COMMAND_DEADLINE_S):
                    return await self._exchange(body)
            except TimeoutError as error:
                self._hang_up()
                raise NoReplyError(f"the simulated chip did not answer within {COMMAND_DEADLINE_S:g} s") from error
            except (OSError, asyncio.IncompleteReadError) as error:
                self._hang_up()
                raise LinkLostError(f"the simulated chip reader at {self._socket} is away") from error
            except BaseException:
                self._hang_up()
                raise

    async def _exchange(self, body: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(self._socket)
        reader, writer = self._streams
        writer.write(_LENGTH.pack(len(body)) + body)
        await writer.drain()
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > MESSAGE_BYTES_MAX:
            raise BadFrameError(f"an answer of {length} bytes")
        return await reader.readexactly(length)

    def _hang_up(self) -> None:
        self._powered = self.present = False
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
