"""OCR scanners that text commands set up and trigger, and that send the MRZ as plain text.

`HoneywellImager`: menu commands `SYN M CR tag data !`, echoed with ACK or ENQ before the punctuation; `SYN T CR` and
`SYN U CR` press and release the trigger. `ScanEngine`: `7E 01 0000 @tag data ; 03`, answered by
`02 01 0000 @tag data ACK ; 03`. A trigger ends with a reading or after some seconds; the next one reads again.
"""

from __future__ import annotations

import re
from abc import abstractmethod

from hardware_sim.readers.device import ReaderDevice

TRIGGER_MS = 5000.0
COMMAND_BYTES_MAX = 64
ACK, ENQ = b"\x06", b"\x05"


class TriggeredReader(ReaderDevice):
    """The common part of both dialects."""

    command: re.Pattern[bytes]

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._buffer = b""
        self._triggered_until_ms = 0.0
        self.settings: dict[bytes, bytes] = {}

    def _hear(self, received: bytes, now_ms: float) -> bytes:
        self._buffer = (self._buffer + received)[-COMMAND_BYTES_MAX:]
        answers = b""
        while (command := self.command.search(self._buffer)) is not None:
            self._buffer = self._buffer[command.end() :]
            answers += self._obey(command, now_ms)
        return answers

    def _pass_time(self, now_ms: float) -> bytes:
        if now_ms >= self._triggered_until_ms or not self._reads_mrzs() or not self._readable(now_ms):
            return b""
        self._triggered_until_ms = 0.0
        return self._spoil(b"".join(line.encode("ascii") + b"\r" for line in self._lines))

    def _pull_trigger(self, now_ms: float, *, on: bool) -> None:
        self._triggered_until_ms = now_ms + TRIGGER_MS if on else 0.0

    @abstractmethod
    def _obey(self, command: re.Match[bytes], now_ms: float) -> bytes:
        """Carry out one command and return the answer."""

    @abstractmethod
    def _reads_mrzs(self) -> bool:
        """Return True when it is configured for travel documents."""


class HoneywellImager(TriggeredReader):
    """A Xenon 1900 with the OCR option."""

    command = re.compile(rb"\x16(?:M\r([a-z]{3}[a-z]{3})([^!.]{0,8})([!.])|([TU])\r)", re.IGNORECASE)
    _known = frozenset({b"ALLENA", b"OCRENA", b"OCRATS"})

    def _obey(self, command: re.Match[bytes], now_ms: float) -> bytes:
        tag, value, storage, trigger = command.groups()
        if trigger is not None:
            self._pull_trigger(now_ms, on=trigger.upper() == b"T")
            return b""
        known = tag.upper() in self._known
        if known:
            self.settings[tag.upper()] = value
        return bytes(tag + value) + (ACK if known else ENQ) + bytes(storage)

    def _reads_mrzs(self) -> bool:
        return self.settings.get(b"OCRENA") == b"1" and self.settings.get(b"OCRATS") == b"2"


class ScanEngine(TriggeredReader):
    """An engine of the IDE237 type."""

    command = re.compile(rb"~\x010000([@#])([A-Z]{6})([0-9]{0,4});\x03")
    _known = frozenset({b"SCNTCE", b"SCNTRG"})

    def _obey(self, command: re.Match[bytes], now_ms: float) -> bytes:
        storage, tag, value = command.groups()
        known = tag in self._known
        if tag == b"SCNTRG":
            self._pull_trigger(now_ms, on=value == b"1")
        elif known:
            self.settings[tag] = value
        return b"\x02\x010000" + bytes(storage + tag + value) + (ACK if known else ENQ) + b";\x03"

    def _reads_mrzs(self) -> bool:
        return self.settings.get(b"SCNTCE") == b"1"
