"""A card service in memory with the face of pyscard's `smartcard.scard`, as far as the PC/SC reader uses it.

Written from the behaviour that pcscd 2.3 showed: a state's upper half counts insertions and removals, a removal may be
noticed late, a service that went away answers every call with an error until it is back.
"""

from __future__ import annotations

import threading

READER = "Virtual PCD 00 00"


class FakeScard:
    """One service with one reader."""

    SCARD_S_SUCCESS = 0
    SCARD_E_INVALID_HANDLE = 3
    SCARD_E_TIMEOUT = 10
    SCARD_E_CANCELLED = 2
    SCARD_E_SHARING_VIOLATION = 11
    SCARD_E_NO_SMARTCARD = 12
    SCARD_E_PROTO_MISMATCH = 15
    SCARD_E_NOT_TRANSACTED = 22
    SCARD_E_READER_UNAVAILABLE = 23
    SCARD_E_UNSUPPORTED_FEATURE = 34
    SCARD_E_NO_SERVICE = 29
    SCARD_E_NO_READERS_AVAILABLE = 46
    SCARD_W_UNRESPONSIVE_CARD = 102
    SCARD_W_UNPOWERED_CARD = 103
    SCARD_W_RESET_CARD = 104
    SCARD_W_REMOVED_CARD = 105
    SCARD_W_SECURITY_VIOLATION = 106
    SCARD_STATE_UNAWARE = 0
    SCARD_STATE_CHANGED = 2
    SCARD_STATE_UNKNOWN = 4
    SCARD_STATE_UNAVAILABLE = 8
    SCARD_STATE_EMPTY = 16
    SCARD_STATE_PRESENT = 32
    SCARD_SCOPE_SYSTEM = 2
    SCARD_SHARE_EXCLUSIVE = 1
    SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1 = 1, 2
    SCARD_PCI_T0, SCARD_PCI_T1 = 1, 2
    SCARD_LEAVE_CARD = 0

    def __init__(self) -> None:
        self.up = True
        self.readers = [READER]
        self.protocol = self.SCARD_PROTOCOL_T1
        self.answer = b"\x90\x00"
        self.apdu_data_max: int | None = None
        self.controls: dict[int, bytes] = {}
        self.sent: list[tuple[int, bytes]] = []
        self.hang = threading.Event()
        self.hang.set()
        self.contexts = 0
        self._changed = threading.Condition()
        self._in_slot = False
        self._noticed = False
        self._counter = 0
        self._connected = False

    # ── the world ──

    def insert(self) -> None:
        with self._changed:
            self._in_slot = self._noticed = True
            self._counter += 1
            self._changed.notify_all()

    def remove(self, *, noticed: bool = True) -> None:
        with self._changed:
            self._in_slot = False
            if noticed:
                self._noticed = False
                self._counter += 1
                self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self.up = self._connected = False
            self._changed.notify_all()

    def unplug_reader(self) -> None:
        with self._changed:
            self.readers = []
            self._changed.notify_all()

    def plug_reader(self) -> None:
        with self._changed:
            self.readers = [READER]
            self._changed.notify_all()

    # ── the service ──

    def SCardEstablishContext(self, _scope: int) -> tuple[int, int]:  # noqa: N802
        if not self.up:
            return self.SCARD_E_NO_SERVICE, 0
        self.contexts += 1
        return 0, 77

    def SCardReleaseContext(self, _context: int) -> int:  # noqa: N802
        return 0

    def SCardListReaders(self, _context: int, _groups: list[str]) -> tuple[int, list[str]]:  # noqa: N802
        if not self.up:
            return self.SCARD_E_NO_SERVICE, []
        return (0 if self.readers else self.SCARD_E_NO_READERS_AVAILABLE), self.readers

    def SCardGetStatusChange(  # noqa: N802
        self, _context: int, wait_ms: int, states: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        name, known = states[0]
        with self._changed:
            if not self.up:
                return self.SCARD_E_NO_SERVICE, []
            if self._state(name) == known:
                self._changed.wait(wait_ms / 1000)
            if not self.up:
                return self.SCARD_E_NO_SERVICE, []
            now = self._state(name)
            if now == known:
                return self.SCARD_E_TIMEOUT, []
            return 0, [(name, now | self.SCARD_STATE_CHANGED, [])]

    def _state(self, name: str) -> int:
        if name.startswith("\\"):
            return len(self.readers)
        if name not in self.readers:
            return self.SCARD_STATE_UNKNOWN
        return self._counter << 16 | (self.SCARD_STATE_PRESENT if self._noticed else self.SCARD_STATE_EMPTY)

    def SCardConnect(self, _context: int, _name: str, share: int, _protocols: int) -> tuple[int, int, int]:  # noqa: N802
        assert share == self.SCARD_SHARE_EXCLUSIVE
        if not self.up:
            return self.SCARD_E_NO_SERVICE, 0, 0
        if not self._noticed:
            return self.SCARD_E_NO_SMARTCARD, 0, 0
        self._connected = True
        return 0, 5, self.protocol

    def SCardTransmit(self, _card: int, protocol: int, apdu: list[int]) -> tuple[int, list[int]]:  # noqa: N802
        self.sent.append((protocol, bytes(apdu)))
        self.hang.wait(5)
        if not self.up:
            return self.SCARD_E_INVALID_HANDLE, []
        if not self._in_slot:
            return (self.SCARD_E_NOT_TRANSACTED if self._noticed else self.SCARD_W_REMOVED_CARD), []
        return 0, list(self.answer)

    def SCARD_CTL_CODE(self, function: int) -> int:  # noqa: N802
        return 0x42000000 + function

    def SCardControl(self, _card: int, code: int, _sent: list[int]) -> tuple[int, list[int]]:  # noqa: N802
        """As drivers of readers answer (PC/SC part 10): features name a code in network order, properties are little-endian."""
        answers = dict(self.controls)
        if self.apdu_data_max is not None:
            answers.setdefault(0x42000000 + 3400, bytes.fromhex("060442330006 12 04 42330012"))
            answers.setdefault(0x42330012, bytes.fromhex("0B 02 E607 0A 04") + self.apdu_data_max.to_bytes(4, "little"))
        if code not in answers:
            return self.SCARD_E_UNSUPPORTED_FEATURE, []
        return 0, list(answers[code])

    def SCardDisconnect(self, _card: int, disposition: int) -> int:  # noqa: N802
        assert disposition == self.SCARD_LEAVE_CARD
        self._connected = False
        return 0

    def SCardGetErrorMessage(self, code: int) -> str:  # noqa: N802
        return f"error {code}."
