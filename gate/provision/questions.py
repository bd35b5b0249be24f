"""What a technician is asked on a terminal, one question at a time, each with what would be right here as its default.

Keys are those of a file of answers. A question is asked only where the answers before make sense of it. `Machine` is where defaults come from, and
says of an answer whether the device that it names answers now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from gate.provision import answers as check
from gate.provision.answers import BARRIER_DRIVERS, BAUDS, BY_CHARACTERS_MAX, CHIP_DRIVERS, SWIPE_DRIVERS

YES: Final = frozenset({"y", "yes"})
NO: Final = frozenset({"n", "no"})
LINES: Final = ("barrier.port", "first_barrier.port", "sensors.port", "swipe.port")
Given: TypeAlias = Mapping[str, "str | list[str]"]


class Machine(Protocol):
    """What hangs at this machine."""

    def serial_lines(self) -> Sequence[str]:
        """Serial lines by names that last."""
        ...

    def cameras(self) -> Sequence[str]:
        """USB cameras by names that last."""
        ...

    def chip_readers(self) -> Sequence[str]:
        """Chip readers of the PC/SC service."""
        ...

    def time_zone(self) -> str:
        """The machine's own."""
        ...

    def board_at(self, port: str) -> str:
        """The profile whose board says at this line who it is; empty: none does."""
        ...

    def reader_at(self, port: str) -> tuple[str, str]:
        """Driver and profile of the document reader that answers at this line; empty: none does."""
        ...

    def objection(self, key: str, given: Given) -> str:
        """Why the device that this answer completes does not answer now; empty: it does, or is not asked."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `problem` says what is wrong with an answer, `default` what would be right here, `choices` what there is."""

    key: str
    asks: str
    problem: Callable[[str, Given], str] = lambda _, __: ""
    default: Callable[[Given, Machine], str] = lambda _, __: ""
    choices: Callable[[Given, Machine], Sequence[str]] = lambda _, __: ()
    applies: Callable[[Given], bool] = lambda _: True
    several: bool = False  # answers come one after another, an empty one ends them


def _text(given: Given, key: str) -> str:
    value = given.get(key, "")
    return value if isinstance(value, str) else ""


def _has(key: str) -> Callable[[Given], bool]:
    return lambda given: bool(given.get(key))


def _link(key: str, address: str) -> Question:
    """By what a network camera's pictures are known to be its own."""
    return Question(
        key,
        "Its certificate's SHA-256, or the file of its authorities; of an http address, why that is accepted",
        lambda a, given: check.link_problem(_text(given, address), a, _text(given, "purpose")),
        applies=lambda given: "://" in _text(given, address),
    )


def _said(key: str, asks: str) -> Question:
    """What the notice to travellers says."""
    said = _has("notice.results_kept_days")
    return Question(f"notice.{key}", asks, lambda a, _: check.notice_problem(key, a), applies=said)


def _optional(problem: Callable[[str], str]) -> Callable[[str, Given], str]:
    return lambda answer, _: problem(answer) if answer else ""


def _number_in(numbers: range) -> Callable[[str, Given], str]:
    def problem(answer: str, _: Given) -> str:
        good = answer.isascii() and answer.isdigit() and int(answer) in numbers
        return "" if good else f"a number from {numbers.start} to {numbers.stop - 1}"

    return problem


def _first(found: Sequence[str]) -> str:
    return found[0] if found else ""


def _named(word: str) -> Callable[[Given, Machine], str]:
    """The serial line that a rule of udev has given this name; else nothing, for one line is like another."""
    return lambda _, machine: next((line for line in machine.serial_lines() if word in line.rpartition("/")[2]), "")


def _board(given: Given, machine: Machine) -> str:
    return machine.board_at(_text(given, "barrier.port")) if _text(given, "barrier.driver") == "modbus" else ""


def _baud(given: Given, _: Machine) -> str:
    return "115200" if _text(given, "barrier.profile") == "portcullis-sim" else "9600"


def _page_problem(answer: str, given: Given) -> str:
    if answer:
        return check.page_problem(answer)
    return "" if given.get("swipe.port") else "documents need a reader: a serial one, a page source, or both"


def _auditors_problem(answer: str, given: Given) -> str:
    before = given.get("auditors", [])
    known = [*before] if isinstance(before, list) else []
    if not answer:
        return "" if len(known) >= 2 else "name two auditors at least: the log can be read by nobody else"
    wrong = check.auditors_problem((answer, *known))
    return "" if wrong.startswith("name two") else wrong


def _file_problem(answer: str, _: Given) -> str:
    return check.file_problem(answer) if answer else "the path of a file"


def _line_problem(key: str) -> Callable[[str, Given], str]:
    """A device's line, that no device before has."""

    def problem(answer: str, given: Given) -> str:
        if not answer:
            return "two doors need one" if key == "sensors.port" and given.get("first_barrier.port") else ""
        ports = {**{one: _text(given, one) for one in LINES if one != key}, key: answer}
        shared = check.shared_lines(ports, one_chip=_text(given, "barrier.driver") == "contacts")
        return check.port_problem(answer) or shared.get(key, "")

    return problem


def _barrier_profile_problem(answer: str, given: Given) -> str:
    driver = _text(given, "barrier.driver")
    return check.barrier_profile_problem(driver, answer) or check.own_profile_problem("barrier", driver, answer)


def _sensors_profile_problem(answer: str, _: Given) -> str:
    return check.name_problem(answer, check.shipped("sensors")) or check.own_profile_problem("sensors", "", answer)


def _pad_profile_problem(answer: str, _: Given) -> str:
    return check.name_problem(answer, check.shipped("pad")) or check.own_profile_problem("pad", "", answer)


def _socket_problem(answer: str, given: Given) -> str:
    if answer:
        return check.socket_problem(answer)
    return "the direct driver needs its socket" if _text(given, "chip.driver") == "direct" else ""


QUESTIONS: Final = (
    Question(
        "by",
        "Who sets this gate up? The name stands in the report",
        lambda a, _: "" if 1 <= len(a) <= BY_CHARACTERS_MAX else f"a name of {BY_CHARACTERS_MAX} characters at most",
    ),
    Question(
        "purpose",
        "What is the gate run for",
        lambda a, _: check.purpose_problem(a),
        lambda _, __: "trial",
        lambda _, __: ("demo", "trial", "service"),
    ),
    Question("operator", "The operator's domain, such as border.example", lambda a, _: check.operator_problem(a)),
    Question("gate_id", "This gate's name, such as north-7", lambda a, _: check.gate_id_problem(a)),
    Question(
        "time_zone",
        "The time zone of its place",
        lambda a, _: check.zone_problem(a),
        lambda _, machine: machine.time_zone(),
    ),
    Question(
        "barrier.port",
        "The barrier's line, of two doors the last one's; empty: none, the gate only watches",
        _line_problem("barrier.port"),
        _named("barrier"),
        lambda _, machine: machine.serial_lines(),
    ),
    Question(
        "barrier.driver",
        "What its board speaks",
        lambda a, _: check.one_of(a, BARRIER_DRIVERS),
        lambda _, __: "modbus",
        lambda _, __: tuple(BARRIER_DRIVERS),
        _has("barrier.port"),
    ),
    Question(
        "barrier.profile",
        "Its profile: one of these, or the path of your own",
        _barrier_profile_problem,
        _board,
        lambda given, _: check.shipped_for(_text(given, "barrier.driver")),
        _has("barrier.port"),
    ),
    Question(
        "barrier.baud",
        "The speed of its line",
        _number_in(BAUDS),
        _baud,
        applies=lambda given: (
            bool(given.get("barrier.port")) and _text(given, "barrier.driver") in {"modbus", "framed"}
        ),
    ),
    Question(
        "first_barrier.port",
        "The first of two doors' line; empty: one door",
        _line_problem("first_barrier.port"),
        _named("first"),
        lambda _, machine: machine.serial_lines(),
        _has("barrier.port"),
    ),
    Question(
        "sensors.port",
        "The sensor unit's line; empty: none",
        _line_problem("sensors.port"),
        _named("sensors"),
        lambda _, machine: machine.serial_lines(),
    ),
    Question(
        "sensors.profile",
        "Its profile: one of these, or the path of your own",
        _sensors_profile_problem,
        choices=lambda _, __: check.shipped("sensors"),
        applies=_has("sensors.port"),
    ),
    Question(
        "swipe.port",
        "The line of the reader of machine-readable zones; empty: pages are read by picture",
        _line_problem("swipe.port"),
        _named("swipe"),
        lambda _, machine: machine.serial_lines(),
    ),
    Question(
        "swipe.driver",
        "What it speaks",
        lambda a, _: check.one_of(a, SWIPE_DRIVERS),
        lambda given, machine: machine.reader_at(_text(given, "swipe.port"))[0],
        lambda _, __: tuple(SWIPE_DRIVERS),
        _has("swipe.port"),
    ),
    Question(
        "swipe.profile",
        "Its profile",
        lambda a, given: check.swipe_profile_problem(_text(given, "swipe.driver"), a),
        lambda given, machine: machine.reader_at(_text(given, "swipe.port"))[1],
        lambda _, __: check.shipped("readers"),
        lambda given: bool(SWIPE_DRIVERS.get(_text(given, "swipe.driver"))),
    ),
    Question(
        "page.source",
        "A document camera's address or device, or the folder of a scanner's service; empty: none",
        _page_problem,
        choices=lambda _, machine: machine.cameras(),
    ),
    _link("page.link", "page.source"),
    Question(
        "chip.driver",
        "How chips are reached; direct is the simulator's",
        lambda a, _: check.one_of(a, CHIP_DRIVERS),
        lambda _, __: "pcsc",
        lambda _, machine: machine.chip_readers(),
    ),
    Question(
        "chip.socket",
        "The chip reader's socket; empty: the usual one",
        _socket_problem,
    ),
    Question(
        "camera.address",
        "The camera before the traveller: https://ADDRESS/… or /dev/v4l/by-id/…",
        lambda a, _: check.camera_problem(a),
        lambda _, machine: _first(machine.cameras()),
        lambda _, machine: machine.cameras(),
    ),
    _link("camera.link", "camera.address"),
    Question(
        "pad.socket",
        "The socket of a sensor's service that tells a person from a picture; empty: none",
        _optional(check.pad_socket_problem),
    ),
    Question(
        "pad.profile",
        "Its profile: the path of your own; portcullis-sim is the simulator's",
        _pad_profile_problem,
        applies=_has("pad.socket"),
    ),
    Question(
        "pad.user",
        "Whom its service runs as; empty: root",
        _optional(check.user_problem),
        applies=_has("pad.socket"),
    ),
    Question(
        "eyes_cm",
        "How high are your eyes above the floor, in centimetres",
        _number_in(range(100, 221)),
        lambda _, __: "160",
    ),
    Question("auditors", "An auditor's recipient, age1…; empty after the last", _auditors_problem, several=True),
    Question(
        "officers",
        "The officers' authority's public key; empty: no officers, and nobody is admitted",
        lambda a, _: check.officers_problem(a),
    ),
    Question(
        "notice.results_kept_days",
        "For how many days are the results of checks kept; empty: for good, which service refuses",
        lambda a, given: _number_in(range(1, 36_501))(a, given) if a or _text(given, "purpose") == "service" else "",
    ),
    _said("contact", "Where do travellers ask and complain"),
    _said("address", "Where is the whole notice to travellers published, https://…"),
    Question(
        "lists.files",
        "A file of certificates or lists to import now; empty after the last",
        _optional(check.file_problem),
        several=True,
    ),
    Question(
        "lists.signer",
        "The file of the certificate that vouches for lists; empty: those in the store",
        _optional(check.file_problem),
        applies=_has("lists.files"),
    ),
    Question(
        "lists.test",
        "Are they fit for demos only",
        lambda a, _: "" if a.lower() in YES | NO else "yes or no",
        lambda _, __: "no",
        lambda _, __: ("yes", "no"),
        _has("lists.files"),
    ),
    Question("central.address", "The central server, HOST:PORT; empty: none", _optional(check.central_problem)),
    Question("central.ca", "The file of the operator's authority", _file_problem, applies=_has("central.address")),
    Question("central.token_file", "The file of the one-time token", _file_problem, applies=_has("central.address")),
)


OF_STEPS: Final = {
    "camera_height": ("eyes_cm",),
    "lists": ("lists.files", "lists.signer", "lists.test"),
    "enrolment": ("central.address", "central.ca", "central.token_file"),
}  # what a step reads of the answers themselves, and not of the configuration that was made of them


def flat(table: Mapping[str, object]) -> dict[str, str | list[str]]:
    """The answers of a file by their keys, as `table_of` takes them; what is empty was not answered."""
    found: dict[str, str | list[str]] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{name}": one for name, one in flat(value).items()}
        elif isinstance(value, list | tuple):
            found[key] = [str(one) for one in value]
        elif value is not None and value != "":
            found[key] = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return found


def table_of(given: Given) -> dict[str, object]:
    """The answers as a file of answers has them: numbers, yes and no, and tables."""
    table: dict[str, dict[str, object]] = {}
    top: dict[str, object] = {}
    for key, value in given.items():
        room, dot, name = key.partition(".")
        held = _typed(key, value)
        if held is None:
            continue
        (table.setdefault(room, {}) if dot else top)[name if dot else room] = held
    return {**top, **table}


def _typed(key: str, value: str | list[str]) -> object:
    """Nothing for an answer that was left empty."""
    if key in {"barrier.baud", "barrier.unit", "eyes_cm", "notice.results_kept_days"}:
        return int(value) if isinstance(value, str) and value else None
    if key == "lists.test":
        return isinstance(value, str) and value.lower() in YES
    return value or None
