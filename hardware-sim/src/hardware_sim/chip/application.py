"""The passport application on the chip: what it answers to each command, and what it refuses.

A strict state machine (ICAO 9303-10 §3, 9303-11 §4.3 and §9.8, ISO/IEC 7816-4): no file before access control, every
command protected after it, a session lost at the first broken or plain command. Takes its randomness as an argument;
slowness and other quirks of the hardware are the card's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hardware_sim.chip import SmError, access, crypto
from hardware_sim.chip.apdu import EXTENDED_NE_MAX, SHORT_NE_MAX, BadApduError, Command, Response, parse
from hardware_sim.chip.secure_messaging import Session, plain_bytes_max
from hardware_sim.passport.der import tlv
from hardware_sim.passport.issuer import Passport

APPLICATION: Final = bytes.fromhex("A0000002471001")
_MASTER_FILE: Final = bytes.fromhex("3F00")
_OFFSET_OBJECT: Final = 0x54
_DATA_OBJECT: Final = 0x53
_AA_CHALLENGE_BYTES: Final = 8
_KEY_MATERIAL_BYTES: Final = 16

_DONE: Final = 0x9000
_END_OF_FILE: Final = 0x6282
_PROOF_WRONG: Final = 0x6300
_WRONG_LENGTH: Final = 0x6700
_NOT_ALLOWED: Final = 0x6982
_CONDITIONS_MISSING: Final = 0x6985
_NO_FILE_SELECTED: Final = 0x6986
_WRONG_DATA: Final = 0x6A80
_NOT_FOUND: Final = 0x6A82
_WRONG_PARAMETERS: Final = 0x6A86
_OUTSIDE_FILE: Final = 0x6B00
_SHORTER: Final = 0x6C00
_NO_INSTRUCTION: Final = 0x6D00
_NO_CLASS: Final = 0x6E00

_FILE_IDS: Final = {"EF_COM": 0x011E, "EF_SOD": 0x011D} | {f"EF_DG{number}": 0x0100 + number for number in range(1, 17)}


@dataclass(frozen=True, slots=True)
class _MasterFile:
    """Powered, nothing selected."""


@dataclass(frozen=True, slots=True)
class _Application:
    """The passport application is selected; `nonce` waits for the terminal's proof."""

    nonce: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Open:
    """Access granted; `file` is the selected one."""

    session: Session
    file: bytes | None = field(default=None, repr=False)


_State: TypeAlias = _MasterFile | _Application | _Open


class Application:
    """One chip's application from power on. `le_max` is the most that one READ BINARY returns."""

    def __init__(
        self,
        passport: Passport,
        *,
        random_bytes: Callable[[int], bytes],
        le_max: int = EXTENDED_NE_MAX,
        no_extended_length: bool = False,
    ) -> None:
        self._files: Mapping[int, bytes] = {_FILE_IDS[name]: content for name, content in passport.files.items()}
        self._keys = crypto.document_keys(passport.mrz_lines)
        self._chip_key = passport.chip_key
        self._random_bytes = random_bytes
        self._le_max = le_max
        self._no_extended_length = no_extended_length
        self._state: _State = _MasterFile()

    def reset(self) -> None:
        """Power off and on: session, selection and challenge are forgotten."""
        self._state = _MasterFile()

    def answer(self, apdu: bytes) -> Response:
        """Answer one command, whatever its bytes are."""
        try:
            command = parse(apdu)
        except BadApduError:
            return Response(_WRONG_LENGTH)
        if command.extended and self._no_extended_length:
            return Response(_WRONG_LENGTH)
        match command.cla, self._state:
            case 0x00, _Open():
                self._state = _Application()  # a plain command ends the session (ICAO 9303-11 §9.8.2)
                return self._run(command)
            case 0x00, _MasterFile() | _Application():
                return self._run(command)
            case 0x0C, _Open(session):
                return self._run_protected(session, command)
            case 0x0C, _MasterFile() | _Application():
                return Response(_NOT_ALLOWED)
            case _:
                return Response(_NO_CLASS)

    def _run_protected(self, session: Session, protected: Command) -> Response:
        try:
            command = session.open(protected)
        except SmError as broken:
            self._state = _Application()
            return Response(broken.status)
        room = plain_bytes_max(protected.ne or 0)
        return session.protect(self._run(command, room=room), odd=command.ins % 2 == 1)

    def _run(self, command: Command, *, room: int = EXTENDED_NE_MAX) -> Response:
        match command.ins:
            case 0xA4:
                return self._select(command)
            case 0x84:
                return self._get_challenge(command)
            case 0x82:
                return self._external_authenticate(command)
            case 0x88:
                return self._internal_authenticate(command, room)
            case 0xB0:
                return self._read_binary(command, room)
            case 0xB1:
                return self._read_binary_far(command, room)
            case _:
                return Response(_NO_INSTRUCTION)

    def _select(self, command: Command) -> Response:
        match command.p1, command.p2:
            case 0x04, 0x00 | 0x0C:
                return self._select_application(command.body)
            case 0x02, 0x0C:
                return self._select_file(command.body)
            case 0x00, 0x00 | 0x0C if command.body in {b"", _MASTER_FILE}:
                self._state = _MasterFile()
                return Response(_DONE)
            case _:
                return Response(_WRONG_PARAMETERS)

    def _select_application(self, name: bytes) -> Response:
        if name != APPLICATION:
            return Response(_NOT_FOUND)
        match self._state:
            case _Open(session):
                self._state = _Open(session)
            case _MasterFile() | _Application():
                self._state = _Application()
        return Response(_DONE)

    def _select_file(self, file_id: bytes) -> Response:
        match self._state:
            case _MasterFile():
                return Response(_NOT_FOUND)  # no EF.CardAccess: this chip does not speak PACE
            case _Application():
                return Response(_NOT_ALLOWED)
            case _Open(session):
                content = self._files.get(int.from_bytes(file_id)) if len(file_id) == 2 else None
                if content is None:
                    return Response(_NOT_FOUND)
                self._state = _Open(session, content)
                return Response(_DONE)

    def _get_challenge(self, command: Command) -> Response:
        match self._state:
            case _Application():
                if command.ne is None or command.ne not in {access.NONCE_BYTES, SHORT_NE_MAX}:
                    return Response(_WRONG_LENGTH)
                nonce = self._random_bytes(access.NONCE_BYTES)
                self._state = _Application(nonce)
                return Response(_DONE, nonce)
            case _MasterFile() | _Open():
                return Response(_CONDITIONS_MISSING)

    def _external_authenticate(self, command: Command) -> Response:
        match self._state:
            case _Application(bytes() as nonce):
                self._state = _Application()  # a challenge serves once
                if len(command.body) != access.PROOF_BYTES:
                    return Response(_WRONG_LENGTH)
                material = self._random_bytes(_KEY_MATERIAL_BYTES)
                granted = access.answer_proof(self._keys, command.body, nonce=nonce, key_material=material)
                if granted is None:
                    return Response(_PROOF_WRONG)
                proof, session = granted
                self._state = _Open(session)
                return Response(_DONE, proof)
            case _Application() | _MasterFile() | _Open():
                return Response(_CONDITIONS_MISSING)

    def _internal_authenticate(self, command: Command, room: int) -> Response:
        match self._state:
            case _Open():
                if self._chip_key is None:
                    return Response(_NO_INSTRUCTION)
                if len(command.body) != _AA_CHALLENGE_BYTES:
                    return Response(_WRONG_LENGTH)
                signature = self._chip_key.answer(command.body)
                if len(signature) > min(command.ne or 0, room):
                    return Response(_WRONG_LENGTH)  # cannot be had in pieces: whole or not at all
                return Response(_DONE, signature)
            case _MasterFile() | _Application():
                return Response(_NOT_ALLOWED)

    def _read_binary(self, command: Command, room: int) -> Response:
        match self._state:
            case _Open(file=file):
                if command.body:
                    return Response(_WRONG_LENGTH)
                if not command.p1 & 0x80:
                    return self._read(file, (command.p1 << 8) | command.p2, command.ne, room)
                selected = self._select_file(bytes((0x01, command.p1 & 0x1F)))  # the short identifier
                if selected.status != _DONE:
                    return selected
                return self._read(self._files[0x0100 | command.p1 & 0x1F], command.p2, command.ne, room)
            case _MasterFile() | _Application():
                return Response(_NOT_ALLOWED)

    def _read_binary_far(self, command: Command, room: int) -> Response:
        """READ BINARY with odd INS: the offset may pass 32767 (ISO/IEC 7816-4 §7.2.3)."""
        match self._state:
            case _Open(file=file):
                offset = _offset(command.body)
                if offset is None:
                    return Response(_WRONG_DATA)
                if (command.p1, command.p2) != (0, 0):
                    return Response(_WRONG_PARAMETERS)
                largest = min(command.ne or 0, room)
                header_bytes = len(tlv(_DATA_OBJECT, bytes(largest))) - largest  # counts as answer, too
                answer = self._read(file, offset, command.ne, room, header_bytes)
                return Response(answer.status, tlv(_DATA_OBJECT, answer.body)) if answer.body else answer
            case _MasterFile() | _Application():
                return Response(_NOT_ALLOWED)

    def _read(self, file: bytes | None, offset: int, ne: int | None, room: int, header_bytes: int = 0) -> Response:
        if file is None:
            return Response(_NO_FILE_SELECTED)
        if ne is None:
            return Response(_WRONG_LENGTH)
        if ne > self._le_max:
            return Response(_SHORTER | self._le_max % 256 if self._le_max <= SHORT_NE_MAX else _WRONG_LENGTH)
        if offset >= len(file):
            return Response(_OUTSIDE_FILE)
        as_much_as_there_is = ne in {SHORT_NE_MAX, EXTENDED_NE_MAX}
        count = min(ne, room) - header_bytes
        if count <= 0 or (ne > room and not as_much_as_there_is):
            return Response(_WRONG_LENGTH)
        body = file[offset : offset + count]
        complete = as_much_as_there_is or len(body) == count
        return Response(_DONE if complete else _END_OF_FILE, body)


def _offset(body: bytes) -> int | None:
    """The offset data object's value; None when there is none, or it is longer than four bytes."""
    if len(body) < 3 or body[0] != _OFFSET_OBJECT or body[1] != len(body) - 2 or body[1] > 4:
        return None
    return int.from_bytes(body[2:])
