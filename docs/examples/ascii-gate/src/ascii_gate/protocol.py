"""Lines of the ASCII gate: requests, replies, and their checksum. Pure: no I/O, no clock.

    host    #17,G,E,10000*3F      number 17: grant one passage in entry direction for 10 s
    board   =17,O,0,4,2,1,0,-,,3*2A     done: the leaf is open, nobody in the zone, counts 4 and 2, one grant in entry direction

A line ends with CR. The checksum is the XOR of the bytes between the first one and the star. `!` instead of `=` refuses; the status
follows all the same. A request with the number of the one before is answered again and not carried out again. Number 0 is always
carried out: a host begins with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from gate_core.ports.drivers import Alarm, BadFrameError, BarrierStatus, LeafPosition

LINE_BYTES_MAX = 80
POSITIONS = {
    "C": LeafPosition.CLOSED,
    "o": LeafPosition.OPENING,
    "O": LeafPosition.OPEN,
    "c": LeafPosition.CLOSING,
    "S": LeafPosition.STOPPED,
    "?": LeafPosition.UNKNOWN,
}
ALARMS = {
    "f": Alarm.FORCED,
    "b": Alarm.OBSTRUCTED,
    "o": Alarm.OPEN_TOO_LONG,
    "r": Alarm.REVERSE_PASSAGE,
    "w": Alarm.PASSAGE_WITHOUT_GRANT,
    "m": Alarm.MOTOR_FAULT,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to request `number`. `done` False: the board refused it."""

    number: int
    done: bool
    status: BarrierStatus


def request(number: int, *words: str) -> bytes:
    """Return a request line."""
    return _line("#", ",".join([str(number), *words]))


def reply(found: Reply) -> bytes:
    """Return a reply line, for a simulated board."""
    status = found.status
    position = next(letter for letter, one in POSITIONS.items() if one is status.position)
    flags = ("F" if status.fire else "") + ("E" if status.emergency_open else "") or "-"
    alarms = "".join(letter for letter, one in ALARMS.items() if one in status.alarms)
    counts = (status.bodies, status.count_entry, status.count_exit, status.grants_left_entry, status.grants_left_exit)
    words = [str(found.number), position, *map(str, counts), flags, alarms, str(status.restarts)]
    return _line("=" if found.done else "!", ",".join(words))


def take(buffer: bytes, marks: str) -> tuple[list[str] | None, int]:
    """Return the words of the first line that begins with one of `marks`, and the bytes used. `(None, 0)` means: read more.

    The first word is the mark. Raises BadFrameError for bytes that are no such line.
    """
    end = buffer.find(b"\r")
    if end < 0:
        if len(buffer) > LINE_BYTES_MAX:
            raise BadFrameError("a line without an end")
        return None, 0
    line = buffer[:end].decode("ascii", "replace")
    body, star, check = line[1:].rpartition("*")
    if not star or line[0] not in marks or check != _check(body):
        raise BadFrameError("a line that is no reply, or a wrong checksum")
    return [line[0], *body.split(",")], end + 1


def decode(buffer: bytes) -> tuple[Reply | None, int]:
    """Return the first reply and the bytes used. `(None, 0)` means: read more. Raises BadFrameError."""
    words, used = take(buffer, "=!")
    if words is None:
        return None, 0
    try:
        mark, number, position, *counts, flags, alarms, restarts = words
        bodies, entry, exit_, left_entry, left_exit = map(int, counts)
        status = BarrierStatus(
            position=POSITIONS[position],
            bodies=bodies,
            count_entry=entry,
            count_exit=exit_,
            grants_left_entry=left_entry,
            grants_left_exit=left_exit,
            fire="F" in flags,
            emergency_open="E" in flags,
            alarms=frozenset(ALARMS[letter] for letter in alarms),
            restarts=int(restarts),
        )
        return Reply(int(number), mark == "=", status), used
    except (KeyError, ValueError) as error:
        raise BadFrameError("a reply with words that the board does not have") from error


def _line(mark: str, body: str) -> bytes:
    return f"{mark}{body}*{_check(body)}\r".encode("ascii")


def _check(body: str) -> str:
    return f"{reduce(int.__xor__, body.encode('ascii', 'replace'), 0):02X}"
