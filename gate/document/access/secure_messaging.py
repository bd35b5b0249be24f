"""Secure messaging with triple DES: commands and answers, encrypted and authenticated (ICAO 9303-11 §9.8).

Strict on both sides: an answer in clear, a wrong MAC, a missing status object or a status that differs inside and outside
ends the session, and an ended session sends nothing more.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from gate.document import tlv
from gate.document.access import tdes
from gate.document.access.commands import (
    EXTENDED_ANSWER_MAX,
    SHORT_ANSWER_MAX,
    Command,
    Response,
    Transmit,
    parse_response,
)
from gate.document.errors import MalformedError, SecureMessagingError

if TYPE_CHECKING:
    from collections.abc import Generator

_SECURED: Final = 0x0C
_CRYPTOGRAM: Final = 0x87
_CRYPTOGRAM_OF_TLV: Final = 0x85  # for commands with an odd instruction: no padding indicator
_EXPECTED_LENGTH: Final = 0x97
_STATUS: Final = 0x99
_MAC: Final = 0x8E
_STATUS_AND_MAC_BYTES: Final = 4 + 10


def protected_bytes(answer_bytes: int) -> int:
    """How long an answer of so many bytes is when protected."""
    padded = bytes((answer_bytes // tdes.BLOCK_BYTES + 1) * tdes.BLOCK_BYTES)
    return len(tlv.encode(_CRYPTOGRAM, b"\x01" + padded)) + _STATUS_AND_MAC_BYTES


class SecureMessaging:
    """One session: two keys and the send sequence counter. Has no useful repr."""

    def __init__(self, *, encryption_key: bytes, mac_key: bytes, counter: bytes) -> None:
        self._encryption_key = encryption_key
        self._mac_key = mac_key
        self._counter = int.from_bytes(counter, "big")
        self._ended = False

    def exchange(self, command: Command) -> Generator[Transmit, bytes | None, Response]:
        """Send a command protected and receive its response in clear. Raises SecureMessagingError and ends the session."""
        if self._ended:
            raise SecureMessagingError("the session has ended")
        self._ended = True  # until the answer has proven itself; so a chip that is lost ends it as well
        response = self.unprotect((yield Transmit(self.protect(command))), odd=bool(command.instruction & 1))
        self._ended = False
        return response

    def protect(self, command: Command) -> bytes:
        """The bytes of the protected command."""
        header = bytes((command.instruction_class | _SECURED, command.instruction, command.p1, command.p2))
        objects = b""
        if command.data:
            cryptogram = tdes.encrypt(self._encryption_key, tdes.pad(command.data))
            odd = command.instruction & 1
            objects = (
                tlv.encode(_CRYPTOGRAM_OF_TLV, cryptogram) if odd else tlv.encode(_CRYPTOGRAM, b"\x01" + cryptogram)
            )
        if command.answer_max is not None:
            size = 1 if command.answer_max <= SHORT_ANSWER_MAX else 2
            objects += tlv.encode(_EXPECTED_LENGTH, (command.answer_max % 256**size).to_bytes(size, "big"))
        objects += tlv.encode(_MAC, self._mac(tdes.pad(header) + objects))
        extended = (command.answer_max or 0) > SHORT_ANSWER_MAX
        outer = Command(
            command.instruction,
            command.p1,
            command.p2,
            objects,
            answer_max=EXTENDED_ANSWER_MAX if extended else SHORT_ANSWER_MAX,
            instruction_class=header[0],
        )
        return outer.encode(extended=extended)

    def unprotect(self, answer: bytes | None, *, odd: bool = False) -> Response:
        """The answer in clear. Raises SecureMessagingError on anything that the chip cannot have meant."""
        outer = parse_response(answer)
        if not outer.data:
            raise SecureMessagingError("an answer in clear", status=outer.status)
        try:
            objects = {element.tag: element.value for element in tlv.elements(outer.data)}
        except MalformedError as error:
            raise SecureMessagingError("an answer that is no sequence of objects") from error
        proof, status = objects.get(_MAC, b""), objects.get(_STATUS, b"")
        covered = outer.data[: -len(tlv.encode(_MAC, proof))]
        if covered + tlv.encode(_MAC, proof) != outer.data or not hmac.compare_digest(proof, self._mac(covered)):
            raise SecureMessagingError("an answer with a wrong MAC")
        if len(status) != 2 or int.from_bytes(status, "big") != outer.status:
            raise SecureMessagingError("an answer whose status is missing or differs inside and outside")
        return Response(self._decrypt(objects, odd=odd), outer.status)

    def _decrypt(self, objects: dict[int, bytes], *, odd: bool) -> bytes:
        cryptogram = objects.get(_CRYPTOGRAM_OF_TLV) if odd else objects.get(_CRYPTOGRAM)
        if cryptogram is None:
            return b""
        if not odd:
            if cryptogram[:1] != b"\x01":
                raise SecureMessagingError("a cryptogram with unknown padding")
            cryptogram = cryptogram[1:]
        if not cryptogram or len(cryptogram) % tdes.BLOCK_BYTES:
            raise SecureMessagingError("a cryptogram that is no whole number of blocks")
        data = tdes.unpad(tdes.decrypt(self._encryption_key, cryptogram))
        if data is None:
            raise SecureMessagingError("a cryptogram without padding")
        return data

    def _mac(self, covered: bytes) -> bytes:
        """The MAC over the counter, which grows by one for every command and every answer, and what is covered."""
        self._counter = (self._counter + 1) % 2**64
        return tdes.mac(self._mac_key, self._counter.to_bytes(tdes.BLOCK_BYTES, "big") + covered)
