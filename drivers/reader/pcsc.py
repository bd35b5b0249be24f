"""Chips through PC/SC, and the only user of pyscard.

Blocking calls run in one thread, private to this module; every command has a deadline. A removed card is CardGoneError, a lost reader or
service LinkLostError; after either, `wait_for_card` starts with a new context. The service waits for card changes; nothing polls.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import ModuleType
from typing import Any, Final, TypeVar

from gate_core.errors import (
    BadFrameError,
    BusyError,
    CardGoneError,
    LinkLostError,
    NoReplyError,
    NoRightError,
    SetupError,
)

Answer = TypeVar("Answer")
_Job = Callable[[], None]
FEATURES: Final = 3400  # the function of the control code that asks for the others
_PROPERTIES: Final = 0x12
_APDU_DATA_MAX: Final = 0x0A
_SHORT_DATA_MAX: Final = 256
APDU_BYTES_MAX = 4 + 3 + 65_535 + 3  # ISO/IEC 7816-4 §5.1, extended length
RESPONSE_BYTES_MAX = 65_536 + 2
COMMAND_DEADLINE_S = 10.0  # a chip may compute for seconds; at the limit the card is given up
SERVICE_DEADLINE_S = 5.0
WATCH_SLICE_MS = 100  # how long one wait may hold the thread, so how long the first command may wait behind it
QUIET_S = 0.25  # commands come in a row: so long after one, a wait looks now and then instead of holding the thread
POWER_AGAIN_S = 0.1  # before a card that did not answer to power is tried again: it may still be moving
_READERS_CHANGE = r"\\?PnP?\Notification"
_SIGN_OF_LIFE = bytes.fromhex("00A4000C023F00")  # select the master file; any answer will do
_COUNTER_SHIFT = 16  # the service counts insertions and removals in a state's upper half


class Worker:
    """One thread for blocking calls, from the first one until `close`; they run one after another.

    A call whose caller is gone is not begun; a running one ends and its result is dropped. The thread is a daemon: a
    call that never returns does not prevent the program's end.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def call(self, work: Callable[[], Answer], *, deadline_s: float) -> Answer:
        """Run `work` in the thread. Raises what it raises, and TimeoutError after the deadline."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        answered: Future[Answer] = Future()

        def job() -> None:
            if not answered.set_running_or_notify_cancel():
                return
            try:
                answered.set_result(work())
            except BaseException as error:  # noqa: BLE001 - carried over to the waiter, whatever it is
                answered.set_exception(error)

        self._jobs.put(job)
        async with asyncio.timeout(deadline_s):
            return await asyncio.wrap_future(answered)

    def post(self, work: Callable[[], None]) -> None:
        """Run `work`, which must not raise, after the waiting calls, without a result."""
        self._jobs.put(work)

    def close(self) -> None:
        """End the thread after the current call."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _elements(data: bytes) -> dict[int, bytes]:
    """Return values by tag; tags and lengths have one byte. Incomplete ones are skipped; of two equal tags the first counts."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data):
        end = at + 2 + data[at + 1]
        found.setdefault(data[at], data[at + 2 : end])
        at = end
    return found


class Terminal:
    """The blocking side: one reader, one card. Every method belongs to the worker's thread."""

    def __init__(self, scard: ModuleType | Any, name_part: str) -> None:  # noqa: ANN401 - pyscard has no types
        self._scard = scard
        self._name_part = name_part
        self._context: Any = None
        self._card: Any = None
        self._protocol: Any = None
        self._reader = ""
        self._state = 0
        self._inserted_as: int | None = None
        self._used_as: int | None = None
        self.extended = True

    def watch(self, wait_ms: int) -> bool:
        """Wait at most `wait_ms` for a change; True if a card is present."""
        self._find_reader(wait_ms)
        if not self._reader:
            return False
        result, states = self._scard.SCardGetStatusChange(self._context, wait_ms, [(self._reader, self._state)])
        if result in (self._scard.SCARD_E_TIMEOUT, self._scard.SCARD_E_CANCELLED):
            return self._present()
        self._check(result)
        self._state = states[0][1] & ~self._scard.SCARD_STATE_CHANGED
        if self._state & (self._scard.SCARD_STATE_UNKNOWN | self._scard.SCARD_STATE_UNAVAILABLE):
            raise LinkLostError("the chip reader went away")
        return self._present()

    def distrust(self) -> None:
        """Treat the present card as used before."""
        self._used_as = self._state >> _COUNTER_SHIFT

    def power_on(self) -> None:
        """Connect to the card exclusively."""
        self.power_off()
        result, card, protocol = self._scard.SCardConnect(
            self._context,
            self._reader,
            self._scard.SCARD_SHARE_EXCLUSIVE,
            self._scard.SCARD_PROTOCOL_T0 | self._scard.SCARD_PROTOCOL_T1,
        )
        self._check(result)
        self._card, self._protocol = card, protocol
        self._inserted_as = self._state >> _COUNTER_SHIFT
        self.extended = self._carries_extended()
        if self._inserted_as == self._used_as:
            # Still the last one, or already taken away: the service notices that up to half a second late. The command
            # also ends a secure channel that is open from before.
            self.transmit(_SIGN_OF_LIFE)
        self._used_as = self._inserted_as

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command, return data and status word."""
        if self._card is None:
            raise CardGoneError("no card is connected")
        protocol = self._scard.SCARD_PCI_T1
        if self._protocol == self._scard.SCARD_PROTOCOL_T0:
            protocol = self._scard.SCARD_PCI_T0
        result, response = self._scard.SCardTransmit(self._card, protocol, list(apdu))
        self._check(result)
        if not 2 <= len(response) <= RESPONSE_BYTES_MAX:
            raise BadFrameError(f"a response of {len(response)} bytes")
        return bytes(response)

    def power_off(self) -> None:
        """Release the card; the service powers it off some seconds later.

        No reset: with a card that was just removed it would fail, and the service would not see the next one.
        """
        if self._card is not None:
            self._scard.SCardDisconnect(self._card, self._scard.SCARD_LEAVE_CARD)
            self._card = None
            self._inserted_as = None

    def forget(self) -> None:
        """Drop card and context, so that the next `watch` starts fresh."""
        self.power_off()
        if self._context is not None:
            self._scard.SCardReleaseContext(self._context)
            self._context = None
        self._reader = ""
        self._state = 0
        self._used_as = None

    def _carries_extended(self) -> bool:
        """True if the reader supports long APDUs, as far as it reports (PC/SC part 10, §2.2 and §2.6.14): most others would lose the card over one.

        Invalid reports are ignored, and a limit of 0 means unknown.
        """
        features = _elements(self._control(self._scard.SCARD_CTL_CODE(FEATURES)))
        if _PROPERTIES not in features:
            return True
        properties = _elements(self._control(int.from_bytes(features[_PROPERTIES], "big")))
        return not 0 < int.from_bytes(properties.get(_APDU_DATA_MAX, b""), "little") <= _SHORT_DATA_MAX

    def _control(self, code: int) -> bytes:
        """Return the reader's (not the card's) answer to a control code; empty if it does not know it."""
        result, answer = self._scard.SCardControl(self._card, code, [])
        return bytes(answer) if result == self._scard.SCARD_S_SUCCESS else b""

    def _present(self) -> bool:
        """True if a card is there and is the powered one, if there is one.

        A card reported as mute counts: after a quick swap the service reports this until the next card is powered.
        """
        if not self._state & self._scard.SCARD_STATE_PRESENT:
            return False
        return self._inserted_as is None or self._state >> _COUNTER_SHIFT == self._inserted_as

    def _find_reader(self, wait_ms: int) -> None:
        """Find the reader by a part of its name; without one, wait for a reader."""
        if self._context is None:
            result, context = self._scard.SCardEstablishContext(self._scard.SCARD_SCOPE_SYSTEM)
            self._check(result)
            self._context = context
        if self._reader:
            return
        result, names = self._scard.SCardListReaders(self._context, [])
        if result != self._scard.SCARD_E_NO_READERS_AVAILABLE:
            self._check(result)
        self._reader = next((name for name in sorted(names) if self._name_part in name), "")
        self._state = self._scard.SCARD_STATE_UNAWARE
        if not self._reader:
            result, _ = self._scard.SCardGetStatusChange(self._context, wait_ms, [(_READERS_CHANGE, 0)])
            if result not in (self._scard.SCARD_E_TIMEOUT, self._scard.SCARD_E_CANCELLED):
                self._check(result)

    def _check(self, result: int) -> None:
        scard = self._scard
        if result == scard.SCARD_S_SUCCESS:
            return
        told = scard.SCardGetErrorMessage(result)
        gone = (
            scard.SCARD_W_REMOVED_CARD,
            scard.SCARD_W_RESET_CARD,
            scard.SCARD_W_UNPOWERED_CARD,
            scard.SCARD_W_UNRESPONSIVE_CARD,
            scard.SCARD_E_NO_SMARTCARD,
            scard.SCARD_E_NOT_TRANSACTED,
            scard.SCARD_E_PROTO_MISMATCH,
        )
        if result in gone:
            raise CardGoneError(f"the chip stopped answering: {told}")
        if result == scard.SCARD_E_SHARING_VIOLATION:
            raise BusyError(f"another program has the card: {told}")
        if result == scard.SCARD_W_SECURITY_VIOLATION:  # polkit denies access to the service
            raise NoRightError(f"the card service does not let this user in: {told}")
        raise LinkLostError(f"the chip reader or its service went away: {told}")


class PcscReader:
    """One chip reader. `name_part` selects it, empty: the first; `socket`: the service's, if not the default."""

    def __init__(
        self,
        name_part: str,
        socket: str | None,
        *,
        scard: ModuleType | Any = None,  # noqa: ANN401
        command_deadline_s: float = COMMAND_DEADLINE_S,
    ) -> None:
        if socket:
            _use_service_at(socket)
        self._terminal = Terminal(scard or _pyscard(), name_part)
        self._worker = Worker("pcsc")
        self._command_deadline_s = command_deadline_s
        self._busy_until_s = 0.0
        self.present = False  # when last looked at

    @property
    def extended(self) -> bool:
        """False if the reader reports for the powered card that it does not support extended APDUs."""
        return self._terminal.extended

    async def open(self) -> None:
        """Connect to the service, before a card is there. A card already present may have been used by another process.

        Raises LinkLostError without the service or a reader; a reader that is not plugged in yet is waited for with the card.
        """
        if await self._watch(0.0):
            await self._in_worker(self._terminal.distrust, SERVICE_DEADLINE_S)

    async def look(self) -> None:
        """Check that the reader and its service are still there. Raises LinkLostError."""
        await self._watch(0.0)

    async def wait_for_card(self, timeout_s: float) -> None:
        """Wait for a card and power it on. Raises NoReplyError if none answered in time, LinkLostError without reader or service."""
        clock = asyncio.get_running_loop().time
        deadline_s = clock() + timeout_s
        await self._in_worker(self._terminal.power_off, SERVICE_DEADLINE_S)
        while True:
            if await self._watch(deadline_s - clock()):
                try:
                    return await self._command(self._terminal.power_on, SERVICE_DEADLINE_S)
                except CardGoneError:
                    await asyncio.sleep(POWER_AGAIN_S)
            if clock() >= deadline_s:
                raise NoReplyError("no card came that answers")

    async def transmit(self, apdu: bytes) -> bytes:
        """Send one command, return data and status word.

        Raises CardGoneError if the card left or stopped answering, NoReplyError after the deadline (the card is then
        given up), BadFrameError for an invalid response, LinkLostError.
        """
        if not 4 <= len(apdu) <= APDU_BYTES_MAX:
            raise ValueError(f"a command of {len(apdu)} bytes")
        return await self._command(lambda: self._terminal.transmit(apdu), self._command_deadline_s)

    async def wait_for_removal(self) -> None:
        """Return once the card that was powered on is no longer there. Raises LinkLostError."""
        while await self._watch(WATCH_SLICE_MS / 1000):
            pass

    async def disconnect(self) -> None:
        """Release the card. Never raises if card or reader are gone already."""
        with contextlib.suppress(LinkLostError, NoReplyError):
            await self._in_worker(self._terminal.power_off, SERVICE_DEADLINE_S)

    async def close(self) -> None:
        """End everything, including the thread."""
        with contextlib.suppress(LinkLostError, NoReplyError):
            await self._in_worker(self._terminal.forget, SERVICE_DEADLINE_S)
        self._worker.close()

    async def _watch(self, wait_s: float) -> bool:
        """Wait for a change for at most one slice; True if a card is present."""
        wait_ms = max(0, min(WATCH_SLICE_MS, round(wait_s * 1000)))
        if asyncio.get_running_loop().time() < self._busy_until_s:
            await asyncio.sleep(wait_ms / 1000)  # the commands under way see a removal by themselves
            wait_ms = 0
        try:
            self.present = await self._in_worker(lambda: self._terminal.watch(wait_ms), SERVICE_DEADLINE_S)
        except LinkLostError:
            self.present = False
            raise
        return self.present

    async def _command(self, work: Callable[[], Answer], deadline_s: float) -> Answer:
        """Run a blocking call; a wait for changes gives way to it."""
        loop = asyncio.get_running_loop()
        self._busy_until_s = loop.time() + deadline_s
        try:
            return await self._in_worker(work, deadline_s)
        finally:
            self._busy_until_s = loop.time() + QUIET_S

    async def _in_worker(self, work: Callable[[], Answer], deadline_s: float) -> Answer:
        """Run a blocking call and clean up after its errors."""

        def guarded() -> Answer:
            try:
                return work()
            except CardGoneError:
                self._terminal.power_off()
                raise
            except LinkLostError:
                self._terminal.forget()
                raise

        try:
            return await self._worker.call(guarded, deadline_s=deadline_s)
        except TimeoutError as error:
            # A late answer of the card would meet a later command.
            self._worker.post(self._terminal.power_off)
            raise NoReplyError(f"the chip reader did not answer within {deadline_s:g} s") from error


def reader_names(socket: str | None) -> tuple[str, ...]:
    """Return the chip readers that the service knows now, none without a service. Raises SetupError without the PC/SC library."""
    if socket:
        _use_service_at(socket)
    scard: Any = _pyscard()
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    if result != scard.SCARD_S_SUCCESS:
        return ()
    result, names = scard.SCardListReaders(context, [])
    scard.SCardReleaseContext(context)
    return tuple(sorted(names)) if result == scard.SCARD_S_SUCCESS else ()


def _pyscard() -> ModuleType:
    try:
        return importlib.import_module("smartcard.scard")
    except ImportError as error:
        raise SetupError("pyscard is missing: install portcullis with its extra 'pcsc'") from error


def _use_service_at(socket: str) -> None:
    """Set the service's socket. The PC/SC library reads it once, so a process can use one service only."""
    if os.environ.setdefault("PCSCLITE_CSOCK_NAME", socket) != socket:
        raise SetupError(f"this process already uses the card service at {os.environ['PCSCLITE_CSOCK_NAME']}")
