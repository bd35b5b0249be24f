"""The questions to the technician, one row per key of an answers file: text, check, default and choices.

On a terminal one question is asked at a time, if the earlier answers make it applicable; answers files and the options
of `gate provision init` have the same checks. Defaults come from the machine that is being set up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from drivers.pad.settings import USER
from gate.provision import answer_checks as check
from gate.provision.answer_checks import BARRIER_DRIVERS, BAUDS, CHIP_DRIVERS, SWIPE_DRIVERS, Check, Given, spelt, text
from gate.provision.machine import ThisMachine
from gate_core.evidence.screen import Purpose
from gate_core.settings.toml_file import Wrong

YES: Final = frozenset({"y", "yes"})
NO: Final = frozenset({"n", "no"})
BY_CHARACTERS_MAX: Final = 100


Offer: TypeAlias = Callable[[Given, ThisMachine], str]


def _fine(_: str, __: Given) -> str:
    return ""


def _optional(problem: Check) -> Check:
    return lambda answer, given: problem(answer, given) if answer else ""


def _among(known: Collection[str]) -> Check:
    return lambda answer, _: "" if answer in known else f"{answer!r} is none of {', '.join(known)}"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `problem`: its check; `typed`: a further check on a terminal, for errors that a file's types or a later step
    would find. `default`: the proposed answer on this machine; `choices`: the possible ones. It `applies` if the answer of that key
    is not empty, or the predicate on earlier answers holds; `several` answers follow one another until an empty one.
    """

    key: str
    asks: str
    problem: Check = _fine
    default: str | Offer = ""
    choices: Collection[str] | Callable[[Given, ThisMachine], Sequence[str]] = ()
    applies: str | Callable[[Given], bool] = ""
    typed: Check = _fine
    several: bool = False

    def offered(self, given: Given, machine: ThisMachine) -> str:
        """The default on this machine."""
        return self.default if isinstance(self.default, str) else self.default(given, machine)

    def known(self, given: Given, machine: ThisMachine) -> Collection[str]:
        """The choices on this machine."""
        return self.choices(given, machine) if callable(self.choices) else self.choices

    def is_asked(self, given: Given) -> bool:
        """True if the earlier answers make it applicable."""
        if isinstance(self.applies, str):
            return not self.applies or bool(given.get(self.applies))
        return self.applies(given)


def _cameras(_: Given, machine: ThisMachine) -> Sequence[str]:
    return machine.cameras()


def _port(key: str, asks: str, applies: str | Callable[[Given], bool] = "") -> Question:
    """Return the question for a device's line. The default is one named by a udev rule; other lines cannot be distinguished."""
    word = key.partition(".")[0].removesuffix("_barrier")

    def named(_: Given, machine: ThisMachine) -> str:
        return next((line for line in machine.serial_lines() if word in line.rpartition("/")[2]), "")

    problem = partial(check.line_problem, key)
    return Question(key, asks, problem, named, lambda _, machine: machine.serial_lines(), applies)


def _board(given: Given, machine: ThisMachine) -> str:
    return machine.board_at(text(given, "barrier.port")) if text(given, "barrier.driver") == "modbus" else ""


def _baud(given: Given, _: ThisMachine) -> str:
    return "115200" if text(given, "barrier.profile") == "portcullis-sim" else "9600"


def _link(key: str, address: str) -> Question:
    """Return the question for what authenticates a network camera's pictures."""
    return Question(
        key,
        "Its certificate's SHA-256, or the file of its authorities; of an http address, why that is accepted",
        partial(check.link_problem, address),
        applies=lambda given: "://" in text(given, address) or bool(given.get(key)),
    )


def _notice(key: str, asks: str, pattern: str, wanted: str, typed: Check = _fine) -> Question:
    """Return a question of the privacy notice: retention, contact, address of the full notice. A gate in service needs all of them."""
    keys = ("notice.results_kept_days", "notice.contact", "notice.address")

    def is_told(given: Given) -> bool:
        return any(given.get(one) for one in keys)

    def problem(answer: str, given: Given) -> str:
        if not answer:
            return f"say {wanted}" if text(given, "purpose") == "service" or is_told(given) else ""
        return spelt(rf"\A(?:{pattern})\Z", f": say {wanted}")(answer, given)

    return Question(key, asks, problem, applies="" if key == keys[0] else is_told, typed=typed)


def _by(answer: str, _: Given) -> str:
    good = 1 <= len(answer) <= BY_CHARACTERS_MAX
    return "" if good else f"a name of {BY_CHARACTERS_MAX} characters at most"


def _purpose(answer: str, _: Given) -> str:
    return "" if answer in tuple(Purpose) else f"{answer!r}: a purpose is one of {', '.join(Purpose)}"


def _has_baud(given: Given) -> bool:
    return bool(given.get("barrier.port")) and text(given, "barrier.driver") in {"modbus", "framed"}


def _reader(part: int) -> Offer:
    return lambda given, machine: machine.reader_at(text(given, "swipe.port"))[part]


def _socket(answer: str, given: Given) -> str:
    return "the direct driver needs its socket" if not answer and text(given, "chip.driver") == "direct" else ""


def _authority(answer: str, _: Given) -> str:
    good = not answer or re.fullmatch(r"[A-Za-z0-9+/]{43}=", answer)
    wanted = "an officers' authority is named by its public key, 44 characters of Base64 (gate officer authority init)"
    return "" if good else wanted


def _yes_or_no(answer: str, _: Given) -> str:
    return "" if answer.lower() in YES | NO else "yes or no"


def _file(answer: str, given: Given) -> str:
    return check.file_problem(answer, given) if answer else "the path of a file"


_OPERATOR = spelt(r"\A[a-z0-9][a-z0-9.-]{0,252}\Z", " is no domain's name such as border.example")
_GATE_ID = spelt(
    r"\A[a-z0-9][a-z0-9-]{0,62}\Z", ": a gate's id is small letters, digits and hyphens, 63 at most, such as north-7"
)
_USER = spelt(USER, " is no user's name such as sensor")
QUESTIONS: Final = (
    Question("by", "Who sets this gate up? The name stands in the report", _by),
    Question("purpose", "What is the gate run for", _purpose, "trial", ("demo", "trial", "service")),
    Question("operator", "The operator's domain, such as border.example", _OPERATOR),
    Question("gate_id", "This gate's name, such as north-7", _GATE_ID),
    Question("time_zone", "The time zone of its place", check.zone_problem, lambda _, here: here.time_zone()),
    _port("barrier.port", "The barrier's line, of two doors the last one's; empty: none, the gate only watches"),
    Question(
        "barrier.driver", "What its board speaks", _among(BARRIER_DRIVERS), "modbus", BARRIER_DRIVERS, "barrier.port"
    ),
    Question(
        "barrier.profile",
        "Its profile: one of these, or the path of your own",
        partial(check.profile_problem, "barrier"),
        _board,
        lambda given, _: check.shipped_for(text(given, "barrier.driver")),
        "barrier.port",
        partial(check.own_profile_problem, "barrier"),
    ),
    Question(
        "barrier.baud",
        "The speed of its line",
        default=_baud,
        applies=_has_baud,
        typed=partial(check.number_problem, BAUDS),
    ),
    _port(
        "first_barrier.port",
        "The first of two doors' line; empty: one door",
        lambda given: bool(given.get("barrier.port") or given.get("first_barrier.port")),
    ),
    _port("sensors.port", "The sensor unit's line; empty: none"),
    Question(
        "sensors.profile",
        "Its profile: one of these, or the path of your own",
        partial(check.profile_problem, "sensors"),
        choices=lambda _, __: check.shipped("sensors"),
        applies="sensors.port",
        typed=partial(check.own_profile_problem, "sensors"),
    ),
    _port("swipe.port", "The line of the reader of machine-readable zones; empty: pages are read by picture"),
    Question("swipe.driver", "What it speaks", _among(SWIPE_DRIVERS), _reader(0), SWIPE_DRIVERS, "swipe.port"),
    Question(
        "swipe.profile",
        "Its profile",
        check.swipe_profile_problem,
        _reader(1),
        lambda _, __: check.shipped("readers"),
        lambda given: bool(SWIPE_DRIVERS.get(text(given, "swipe.driver")) or given.get("swipe.profile")),
    ),
    Question(
        "page.source",
        "A document camera's address or device, or the folder of a scanner's service; empty: none",
        check.page_problem,
        choices=_cameras,
    ),
    _link("page.link", "page.source"),
    Question(
        "chip.driver",
        "How chips are reached; direct is the simulator's",
        _among(CHIP_DRIVERS),
        "pcsc",
        lambda _, machine: machine.chip_readers(),
    ),
    Question(
        "chip.socket", "The chip reader's socket; empty: the usual one", _optional(check.socket_problem), typed=_socket
    ),
    Question(
        "camera.address",
        "The camera before the traveller: https://ADDRESS/… or /dev/v4l/by-id/…",
        check.camera_problem,
        lambda _, machine: next(iter(machine.cameras()), ""),
        _cameras,
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
        partial(check.profile_problem, "pad"),
        applies="pad.socket",
        typed=partial(check.own_profile_problem, "pad"),
    ),
    Question("pad.user", "Whom its service runs as; empty: root", _optional(_USER), applies="pad.socket"),
    Question(
        "eyes_cm",
        "How high are your eyes above the floor, in centimetres",
        default="160",
        typed=partial(check.number_problem, range(100, 221)),
    ),
    Question("auditors", "An auditor's recipient, age1…; empty after the last", check.auditor_problem, several=True),
    Question(
        "officers", "The officers' authority's public key; empty: no officers, and nobody is admitted", _authority
    ),
    _notice(
        "notice.results_kept_days",
        "For how many days are the results of checks kept; empty: for good, which service refuses",
        r"\d+",
        "for how many days results are kept, as your law has it, such as 30",
        _optional(partial(check.number_problem, range(1, 36_501))),
    ),
    _notice(
        "notice.contact",
        "Where do travellers ask and complain",
        ".{3,80}",
        "where travellers ask and complain, such as privacy@border.example",
    ),
    _notice(
        "notice.address",
        "Where is the whole notice to travellers published, https://…",
        "https://[!-~]{3,150}",
        "where the whole notice is published, such as https://border.example/north-7",
    ),
    Question(
        "lists.files",
        "A file of certificates or lists to import now; empty after the last",
        typed=_optional(check.file_problem),
        several=True,
    ),
    Question(
        "lists.signer",
        "The file of the certificate that vouches for lists; empty: those in the store",
        applies="lists.files",
        typed=_optional(check.file_problem),
    ),
    Question("lists.test", "Are they fit for demos only", _yes_or_no, "no", ("yes", "no"), "lists.files"),
    Question("central.address", "The central server, HOST:PORT; empty: none", _optional(check.central_problem)),
    Question("central.ca", "The file of the operator's authority", applies="central.address", typed=_file),
    Question("central.token_file", "The file of the one-time token", applies="central.address", typed=_file),
)


def problems(given: Given) -> Iterator[Wrong]:
    """Yield all errors of answers that are visible before anything is written."""
    for question in QUESTIONS:
        value = given.get(question.key, "")
        if not question.is_asked(given):
            continue
        if isinstance(value, str) and not question.several:
            said = [question.problem(value, given)]
        else:
            # One after another, as they are typed, and the empty one that ends them.
            whole = [*value, ""]
            said = [question.problem(one, {**given, question.key: whole[:at]}) for at, one in enumerate(whole)]
        if why := next(filter(None, said), ""):
            yield Wrong(question.key, why)


# ── answers by their keys, and as a file has them ────────────────────────────────────────────────────────────────────


def keyed(table: Mapping[str, object], room: str = "") -> dict[str, object]:
    """Return the values of a table and its subtables, by key."""
    found: dict[str, object] = {}
    for key, value in table.items():
        found |= keyed(value, f"{room}{key}.") if isinstance(value, Mapping) else {room + key: value}
    return found


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """Return values by key, such as `barrier.port`, as tables have them; None is none."""
    top: dict[str, object] = {}
    tables: dict[str, dict[str, object]] = {}
    for key, value in values.items():
        room, _, name = key.rpartition(".")
        if value is not None:
            (tables.setdefault(room, {}) if room else top)[name] = value
    return {**top, **tables}


def flat(table: Mapping[str, object]) -> dict[str, str | list[str]]:
    """Return a file's answers by key, as `table_of` takes them; empty ones count as not given."""
    found: dict[str, str | list[str]] = {}
    for key, value in keyed(table).items():
        if isinstance(value, list | tuple):
            found[key] = [str(one) for one in value]
        elif value is not None and value != "":
            found[key] = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return found


def table_of(given: Given) -> dict[str, object]:
    """Return the answers as an answers file has them: numbers, booleans, and tables."""
    return nested({key: _typed(key, value) for key, value in given.items()})


def _typed(key: str, value: str | list[str]) -> object:
    """Return the typed value; None for an empty answer."""
    if key in {"barrier.baud", "barrier.unit", "eyes_cm", "notice.results_kept_days"}:
        return int(value) if isinstance(value, str) and value else None
    if key == "lists.test":
        return isinstance(value, str) and value.lower() in YES
    return value or None
