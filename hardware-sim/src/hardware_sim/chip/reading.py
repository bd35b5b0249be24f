"""SELECT and READ BINARY: the terminal's present file, and the bytes that it gets (ICAO 9303-10 §3, ISO/IEC 7816-4 §11).

No protected file before access control, no guarded file without the right to it. Pure: every command takes a state and
returns the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from hardware_sim.chip import pace, status, terminal
from hardware_sim.chip.apdu import Command, Response
from hardware_sim.chip.files import File, FileSystem, Place, Secrecy, far_offset, read, too_long
from hardware_sim.chip.quirks import Quirks
from hardware_sim.chip.secure_messaging import Session
from hardware_sim.passport.abilities import AgreementKey
from hardware_sim.passport.algorithms import Pace
from hardware_sim.passport.der import tlv

APPLICATION: Final = bytes.fromhex("A0000002471001")
_MASTER_FILE: Final = bytes.fromhex("3F00")
_CARD_ACCESS: Final = bytes.fromhex("011C")
_DATA_OBJECT: Final = 0x53
# The selected file where a chip answers 9000 for a missing file.
_NOTHING: Final = File(b"", Secrecy.FREE)
_READS: Final = frozenset({0xB0, 0xB1})


@dataclass(frozen=True, slots=True)
class State:
    """Everything that one command leaves for the next. Power off resets it.

    `begun_in` is the place where the session began: a session of BAC ends with the application. `nonce`, `run` with `way`, and `chosen`
    belong to unfinished protocols; any other command resets them. `part` is the data of a chain of commands so far. `identity`,
    `terminal_key`, `chain` and `rights` belong to Terminal Authentication and end with the session.
    """

    place: Place = Place.MASTER
    file: File | None = None
    session: Session | None = field(default=None, repr=False)
    begun_in: Place = Place.MASTER
    nonce: bytes | None = field(default=None, repr=False)
    run: pace.Conversation | None = field(default=None, repr=False)
    way: Pace | None = None
    run_chained: int = 0
    chosen: AgreementKey | None = None
    part: bytes = field(default=b"", repr=False)
    identity: bytes = field(default=b"", repr=False)
    terminal_key: bytes = field(default=b"", repr=False)
    chain: terminal.Chain | None = None
    rights: int = 0

    def without_halves(self) -> State:
        """Return the state after a command that continues no protocol."""
        chain = self.chain if self.chain is None else replace(self.chain, nonce=None)
        return replace(self, nonce=None, run=None, way=None, run_chained=0, chosen=None, part=b"", chain=chain)


Outcome = tuple[State, Response]


@dataclass(frozen=True, slots=True)
class Reading:
    """The files of one chip, and their access rules."""

    files: FileSystem
    quirks: Quirks

    def inside(self, state: State) -> bool:
        """Return True where the terminal may read protected files: in a session, or on a chip without access control."""
        open_to_all = self.quirks.no_access_control and state.place is Place.APPLICATION
        return open_to_all or state.session is not None

    def select(self, state: State, command: Command) -> Outcome:
        """SELECT: the application, the master file, or a file in the present place."""
        match command.p1, command.p2:
            case 0x04, 0x00 | 0x0C:
                if command.body != APPLICATION:
                    return state, Response(status.NOT_FOUND)
                return _entered(state, Place.APPLICATION), Response(status.DONE)
            case 0x02, 0x0C if self._lacks_card_access(state, command.body):
                return self._deny_card_access(state)
            case 0x02, 0x0C:
                return self._select_file(state, self.files.by_id(state.place, command.body))
            case 0x00, 0x00 | 0x0C if command.body in {b"", _MASTER_FILE}:
                return _entered(state, Place.MASTER), Response(status.DONE)
            case _:
                return state, Response(status.WRONG_PARAMETERS)

    def read_binary(self, state: State, command: Command, room: int) -> Outcome:
        """READ BINARY with even INS: from an offset, or from the start of the file with a short identifier."""
        if command.p1 & 0x80:
            state, selected = self._select_file(state, self.files.by_short_id(state.place, command.p1))
            if selected.status != status.DONE:
                return state, selected
            offset = command.p2
        else:
            offset = (command.p1 << 8) | command.p2
        if command.body:
            return state, Response(status.WRONG_LENGTH)
        return state, self._read(state, offset, command, room)

    def read_binary_far(self, state: State, command: Command, room: int) -> Outcome:
        """READ BINARY with odd INS: the offset may exceed 32767 (ISO/IEC 7816-4 §7.2.3)."""
        if state.file is None and not self.inside(state):
            return state, Response(status.NOT_ALLOWED)
        offset = far_offset(command.body)
        if offset is None:
            return state, Response(status.WRONG_DATA)
        if (command.p1, command.p2) != (0, 0):
            return state, Response(status.WRONG_PARAMETERS)
        largest = min(command.ne or 0, room)
        header_bytes = len(tlv(_DATA_OBJECT, bytes(largest))) - largest  # counts as part of the answer
        answer = self._read(state, offset, command, room, header_bytes)
        return state, Response(answer.status, tlv(_DATA_OBJECT, answer.body)) if answer.body else answer

    def _select_file(self, state: State, file: File | None) -> Outcome:
        if state.place is Place.APPLICATION and not self.inside(state):
            return state, Response(status.NOT_ALLOWED)
        if state.place is Place.MASTER and self.quirks.master_file_refused and state.session is None:
            return state, Response(status.NOT_ALLOWED)
        if file is None:
            return state, Response(status.NOT_FOUND)
        if not self._may_read(state, file):
            return state, Response(status.NOT_ALLOWED)
        return replace(state, file=file), Response(status.DONE)

    def _lacks_card_access(self, state: State, file_id: bytes) -> bool:
        in_master = state.place is Place.MASTER and file_id == _CARD_ACCESS
        return (
            in_master and self.quirks.no_card_access_status is not None and not self.files.by_id(state.place, file_id)
        )

    def _deny_card_access(self, state: State) -> Outcome:
        if self.quirks.no_card_access_on_reading:
            return replace(state, file=_NOTHING), Response(status.DONE)
        return state, Response(self.quirks.no_card_access_status or status.NOT_FOUND)

    def over_limit(self, command: Command) -> int | None:
        """Return the status for a READ BINARY of more than the chip's maximum; None for all other commands."""
        if command.ins not in _READS or (command.ne or 0) <= self.quirks.le_max:
            return None
        return self.quirks.le_status or too_long(self.quirks.le_max)

    def _read(self, state: State, offset: int, command: Command, room: int, header_bytes: int = 0) -> Response:
        if state.file is None:
            return Response(status.NO_FILE_SELECTED if self.inside(state) else status.NOT_ALLOWED)
        if state.file is _NOTHING:
            return Response(self.quirks.no_card_access_status or status.NOT_FOUND)
        refused = self.over_limit(command)
        if refused is not None:
            return Response(refused)
        return read(state.file, offset, command.ne, room=room, header_bytes=header_bytes)

    def _may_read(self, state: State, file: File) -> bool:
        match file.secrecy:
            case Secrecy.FREE:
                return True
            case Secrecy.SESSION:
                return self.inside(state)
            case Secrecy.TERMINAL:
                return bool(state.rights & file.right)


def _entered(state: State, place: Place) -> State:
    """Return the state in another place. A session that began in the application ends when the terminal leaves it."""
    if place is Place.MASTER and state.begun_in is Place.APPLICATION:
        return State(place)
    return replace(state, place=place, file=None)
