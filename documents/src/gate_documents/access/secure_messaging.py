"""Secure messaging with triple DES or AES: commands and answers, encrypted and authenticated (ICAO 9303-11 §9.8).

Strict on both sides: an answer in clear, a wrong MAC, a missing status object or a status that differs inside and outside
ends the session, and an ended session sends nothing more.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from gate_documents import tlv
from gate_documents.access.commands import (
    EXTENDED_ANSWER_MAX,
    SHORT_ANSWER_MAX,
    SHORT_DATA_MAX,
    Command,
    Response,
    Transmit,
    transmit,
)
from gate_documents.access.padding import pad, unpad
from gate_documents.errors import MalformedError, SecureMessagingError

if TYPE_CHECKING:
    from collections.abc import Generator

    from gate_documents.access.suites import SessionKeys

_SECURED: Final = 0x0C
_CRYPTOGRAM: Final = 0x87
_CRYPTOGRAM_OF_TLV: Final = 0x85  # for commands with an odd instruction: no padding indicator
_EXPECTED_LENGTH: Final = 0x97
_STATUS: Final = 0x99
_MAC: Final = 0x8E
_ANSWERED: Final = frozenset({_CRYPTOGRAM, _CRYPTOGRAM_OF_TLV, _STATUS, _MAC})
_STATUS_AND_MAC_BYTES: Final = 4 + 10


def protected_bytes(answer_bytes: int, block_bytes: int) -> int:
    """Return the length of an answer with this many bytes when protected by a cipher with this block size."""
    padded = pad(bytes(answer_bytes), block_bytes)
    return len(tlv.encode(_CRYPTOGRAM, b"\x01" + padded)) + _STATUS_AND_MAC_BYTES


class SecureMessaging:
    """One session: its keys and the send sequence counter. Has no useful repr."""

    def __init__(self, keys: SessionKeys, counter: bytes | None = None) -> None:
        """`counter` is one block, zeros when left out (§9.8.6.3)."""
        self._keys = keys
        self.block_bytes = keys.suite.block_bytes
        self._counter = int.from_bytes(counter or b"", "big")
        self._ended = False

    def exchange(self, command: Command) -> Generator[Transmit, bytes | None, Response]:
        """Send a command protected and receive its response in clear. Raises SecureMessagingError and ends the session."""
        if self._ended:
            raise SecureMessagingError("the session has ended")
        self._ended = True  # until the answer is verified; so a lost chip ends it too
        response = self.unprotect((yield from transmit(self.protect(command))))
        self._ended = False
        return response

    def protect(self, command: Command) -> bytes:
        """The bytes of the protected command."""
        self._count()
        header = bytes((command.instruction_class | _SECURED, command.instruction, command.p1, command.p2))
        objects = b""
        if command.data:
            cryptogram = self._keys.encrypt(self._counter_block, pad(command.data, self.block_bytes))
            odd = command.instruction & 1
            objects = (
                tlv.encode(_CRYPTOGRAM_OF_TLV, cryptogram) if odd else tlv.encode(_CRYPTOGRAM, b"\x01" + cryptogram)
            )
        if command.answer_max is not None:
            size = 1 if command.answer_max <= SHORT_ANSWER_MAX else 2
            objects += tlv.encode(_EXPECTED_LENGTH, (command.answer_max % 256**size).to_bytes(size, "big"))
        objects += tlv.encode(_MAC, self._mac(pad(header, self.block_bytes) + objects))
        extended = (command.answer_max or 0) > SHORT_ANSWER_MAX or len(objects) > SHORT_DATA_MAX
        outer = Command(
            command.instruction,
            command.p1,
            command.p2,
            objects,
            answer_max=EXTENDED_ANSWER_MAX if extended else SHORT_ANSWER_MAX,
            instruction_class=header[0],
        )
        return outer.encode(extended=extended)

    def unprotect(self, outer: Response) -> Response:
        """The answer in clear. Raises SecureMessagingError on anything that the chip cannot have meant."""
        self._count()
        if not outer.data:
            raise SecureMessagingError("an answer in clear", status=outer.status)
        objects = _objects(outer.data)
        proof, status = objects.get(_MAC, b""), objects.get(_STATUS, b"")
        covered = outer.data[: -len(tlv.encode(_MAC, proof))]
        if covered + tlv.encode(_MAC, proof) != outer.data or not hmac.compare_digest(proof, self._mac(covered)):
            raise SecureMessagingError("an answer with a wrong MAC")
        if len(status) != 2 or int.from_bytes(status, "big") != outer.status:
            raise SecureMessagingError("an answer whose status is missing or differs inside and outside")
        return Response(self._decrypt(objects), outer.status)

    def _decrypt(self, objects: dict[int, bytes]) -> bytes:
        cryptogram = objects.get(_CRYPTOGRAM_OF_TLV)
        if _CRYPTOGRAM in objects:
            if cryptogram is not None or objects[_CRYPTOGRAM][:1] != b"\x01":
                raise SecureMessagingError("two cryptograms, or one with unknown padding")
            cryptogram = objects[_CRYPTOGRAM][1:]
        if cryptogram is None:
            return b""
        if not cryptogram or len(cryptogram) % self.block_bytes:
            raise SecureMessagingError("a cryptogram that is no whole number of blocks")
        data = unpad(self._keys.decrypt(self._counter_block, cryptogram), self.block_bytes)
        if data is None:
            raise SecureMessagingError("a cryptogram without padding")
        return data

    def _count(self) -> None:
        """The counter grows by one for every command and every answer (§9.8.6.3)."""
        self._counter = (self._counter + 1) % 256**self.block_bytes

    @property
    def _counter_block(self) -> bytes:
        return self._counter.to_bytes(self.block_bytes, "big")

    def _mac(self, covered: bytes) -> bytes:
        return self._keys.mac(self._counter_block + covered)


def _objects(data: bytes) -> dict[int, bytes]:
    """The objects of an answer by tag: each once, and none that an answer does not have (§9.8.5)."""
    try:
        found = tuple(tlv.elements(data))
    except MalformedError as error:
        raise SecureMessagingError("an answer that is no sequence of objects") from error
    objects = {element.tag: element.value for element in found}
    if len(objects) != len(found) or not objects.keys() <= _ANSWERED:
        raise SecureMessagingError("an answer with an object that stands twice, or that no answer has")
    return objects
