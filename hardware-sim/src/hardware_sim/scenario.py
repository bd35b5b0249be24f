"""Scenarios: the actions of one traveller, of other people and of faults, and the expected result. One TOML file each.

docs/protocols/simulated-world.md describes the format. A file is checked completely when it is read, so a story meets
no unknown value.
"""

from __future__ import annotations

import enum
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hardware_sim.faces.identity import names
from hardware_sim.passport.editions import KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE_BYTES_MAX = 16_384
DEEDS_MAX = 16
PASSAGES_MAX = 4
LAYS_MAX = 4
STAYS_MAX = 3
WAIT_MS_MAX = 60_000
AGE_MAX = 99
NUMBER = re.compile(r"[0-9A-Z]{9}")

Member = TypeVar("Member", bound=enum.Enum)


class ScenarioError(Exception):
    """A scenario file with invalid content."""


class Verdict(enum.Enum):
    """The decision that the gate must make."""

    ADMITTED = "admitted"
    REFERRED = "referred"


class Sight(enum.Enum):
    """The scene before the camera."""

    SELF = "self"
    NOBODY = "nobody"
    OTHER = "other"
    TWO = "two"
    PICTURE = "picture"
    BENT_PRINT = "bent_print"
    SCREEN = "screen"
    RECORDING = "recording"  # fed in behind the lens, repeated
    COVERED = "covered"


class Kind(enum.Enum):
    """The traveller's kind of document."""

    PASSPORT = "passport"
    CARD = "card"
    NONE = "none"  # no document to present


class Lay(enum.Enum):
    """How a page is placed before the document camera, or which page it is."""

    FLAT = "flat"
    UPSIDE_DOWN = "upside_down"
    SIDEWAYS = "sideways"
    FACE_DOWN = "face_down"
    COVERED = "covered"
    GLARE = "glare"
    FAR = "far"
    MOVING = "moving"
    VISA = "visa"  # the visa's page, before the passport's data page
    NO_MRZ = "no_zone"  # a page without an MRZ
    OTHER_MRZ = "other_zone"  # the printed MRZ has another name than the chip


class Owner(enum.Enum):
    """The holder of the passport that the traveller presents."""

    SELF = "self"
    OTHER = "other"


class Lane(enum.Enum):
    """The kind of lane of a story."""

    ONE_DOOR = "one-door"
    TWO_DOOR = "two-door"


class Moment(enum.Enum):
    """When a deed happens. GO and WALKING concern the door out of the lane; the two before need two doors."""

    ARRIVING = "arriving"
    INVITED = "invited"
    LET_IN = "let_in"
    WALKING_IN = "walking_in"
    LOOK = "look"
    GO = "go"
    WALKING = "walking"
    OFFICER = "officer"
    LEAVING = "leaving"


class Deed(enum.Enum):
    """A deed: of people in the lane, of the world, or of the host on the world's request."""

    SWAP_PERSON = "swap_person"
    SEND_COMPANION = "send_companion"
    PRESENT_AGAIN = "present_again"
    TAILGATE = "tailgate"
    PIGGYBACK = "piggyback"
    HIDE = "hide"
    LEAVE_BAG = "leave_bag"
    CALL_FOR_HELP = "call_for_help"
    ASK_HELP = "ask_help"
    ASK_PROTECTION = "ask_protection"
    STEP_BACK = "step_back"
    UNPLUG_BARRIER = "unplug_barrier"
    UNPLUG_FIRST_BARRIER = "unplug_first_barrier"
    UNPLUG_SENSORS = "unplug_sensors"
    FIRE = "fire"
    KILL_LANE = "kill_lane"
    FILL_LOG_DISK = "fill_log_disk"
    FREE_LOG_DISK = "free_log_disk"
    RELEASE_LANE = "release_lane"
    OFFICER_ABSENT = "officer_absent"
    OFFICER_BACK = "officer_back"
    CENTRAL_AWAY = "central_away"
    CENTRAL_BACK = "central_back"
    SERVE_EXIT = "serve_exit"


HOST_DEEDS = frozenset(
    {
        Deed.KILL_LANE,
        Deed.FILL_LOG_DISK,
        Deed.FREE_LOG_DISK,
        Deed.RELEASE_LANE,
        Deed.OFFICER_ABSENT,
        Deed.OFFICER_BACK,
        Deed.CENTRAL_AWAY,
        Deed.CENTRAL_BACK,
        Deed.SERVE_EXIT,
    }
)
TOUCHES = {Deed.ASK_HELP: "help", Deed.ASK_PROTECTION: "protection"}  # the element that is touched on the page
UNDONE_BY = {
    Deed.FILL_LOG_DISK: Deed.FREE_LOG_DISK,
    Deed.OFFICER_ABSENT: Deed.OFFICER_BACK,
    Deed.CENTRAL_AWAY: Deed.CENTRAL_BACK,
}
LASTING_DEEDS = frozenset(
    {
        Deed.UNPLUG_BARRIER,
        Deed.UNPLUG_FIRST_BARRIER,
        Deed.UNPLUG_SENSORS,
        Deed.FIRE,
        Deed.LEAVE_BAG,
        Deed.CALL_FOR_HELP,
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One deed at one moment. `for_ms` is the duration of a lasting deed."""

    at: Moment
    do: Deed
    for_ms: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story and its expected end. `incidents` and `reasons` are kinds that the log must contain; it may contain more.

    `edition` is a name of `editions.KNOWN`; None: the next edition. `age` is the holder's by the document, in years;
    None: 20 to 69. `number` is the document's, when a list must name it; None: a new one. `lays` is how the document is
    placed before a document camera, each time that the screen asks for it; None: flat, and the story is the same for
    every reader. `people` are the identities for the traveller; empty: any. In two-door lanes, `hesitates_outside_ms`
    is before the first door, and `stays` is how often a waiting person inside does not use the open way back.
    """

    name: str
    title: str
    verdict: Verdict
    incidents: tuple[str, ...]
    passages: int
    reasons: tuple[str, ...] = ()
    document: Owner = Owner.SELF
    document_faults: frozenset[str] = frozenset()
    edition: str | None = None
    age: int | None = None
    number: str | None = None
    pull_out_after_apdus: int | None = None
    kind: Kind = Kind.PASSPORT
    lays: tuple[Lay, ...] | None = None
    sight: Sight = Sight.SELF
    sight_late: bool = False
    people: tuple[str, ...] = ()
    hesitates_ms: int = 0
    hesitates_outside_ms: int = 0
    stays: int = 0
    steps: tuple[Step, ...] = ()

    def deeds(self, moment: Moment) -> tuple[Step, ...]:
        """Return the deeds of a moment, in order."""
        return tuple(step for step in self.steps if step.at is moment)


def scenario_folder() -> Path:
    """Return the folder of the scenarios: beside the package when installed, beside `src` in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "scenarios"
    return installed if installed.is_dir() else package.parents[1] / "scenarios"


def read_scenarios(folder: Path, lane: Lane = Lane.ONE_DOOR) -> dict[str, Scenario]:
    """Return all scenarios of a folder for this kind of lane, by name. Raises ScenarioError on an invalid file or an empty folder."""
    scenarios = {}
    for path in sorted(folder.glob("*.toml")):
        scenario = read_scenario(path, lane)
        if scenario is not None:
            scenarios[scenario.name] = scenario
    if not scenarios:
        raise ScenarioError(f"{folder}: no scenarios here")
    return scenarios


def read_scenario(path: Path, lane: Lane = Lane.ONE_DOOR) -> Scenario | None:
    """Return one scenario, None when it is for other lanes. Its name must be the file's. Raises ScenarioError."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise ScenarioError(f"{path.name}: larger than {FILE_BYTES_MAX} bytes")
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ScenarioError(f"{path.name}: {error}") from error
    try:
        scenario = parse_scenario(_as_told_of(lane, table))
        lanes = [_member(Lane, word) for word in _words(table.get("lanes", [one.value for one in Lane]))]
    except ScenarioError as error:
        raise ScenarioError(f"{path.name}: {error}") from error
    if scenario.name != path.stem:
        raise ScenarioError(f"{path.name}: is named {scenario.name}")
    return scenario if lane in lanes else None


def _as_told_of(lane: Lane, table: dict[str, object]) -> dict[str, object]:
    """Return the table for this kind of lane: [two_doors] replaces values of the one-door story. Raises ScenarioError."""
    told = {name: value for name, value in table.items() if name not in {"lanes", "two_doors"}}
    instead = table.get("two_doors", {})
    if not isinstance(instead, dict) or set(instead) - _INSTEAD:
        raise ScenarioError(f"[two_doors] has other settings than {', '.join(sorted(_INSTEAD))}")
    return {**told, **(instead if lane is Lane.TWO_DOOR else {})}


_INSTEAD = frozenset({"verdict", "incidents", "reasons", "passages"})


def parse_scenario(table: dict[str, object]) -> Scenario:
    """Return a scenario from its TOML table. Raises ScenarioError."""
    document, page, camera, walk = (_take(table, name, dict, {}) for name in ("document", "page", "camera", "walk"))
    scenario = Scenario(
        name=_take(table, "name", str),
        title=_take(table, "title", str),
        verdict=_member(Verdict, _take(table, "verdict", str)),
        incidents=_words(_take(table, "incidents", list)),
        passages=_number(_take(table, "passages", int), 0, PASSAGES_MAX),
        reasons=_words(_take(table, "reasons", list, [])),
        document=_member(Owner, _take(document, "of", str, "self")),
        document_faults=frozenset(_words(_take(document, "faults", list, []))),
        edition=_edition(_take(document, "edition", str, None)),
        age=None if (age := _take(document, "age", int, None)) is None else _number(age, 0, AGE_MAX),
        number=_document_number(_take(document, "number", str, None)),
        pull_out_after_apdus=_take(document, "pull_out_after_apdus", int, None),
        kind=_member(Kind, _take(document, "kind", str, "passport")),
        lays=_lays(_take(page, "lays", list, None)),
        sight=_member(Sight, _take(camera, "shows", str, "self")),
        sight_late=_take(camera, "late", bool, default=False),
        people=_people(_take(camera, "people", list, [])),
        hesitates_ms=_number(_take(walk, "hesitates_ms", int, 0), 0, WAIT_MS_MAX),
        hesitates_outside_ms=_number(_take(walk, "hesitates_outside_ms", int, 0), 0, WAIT_MS_MAX),
        stays=_number(_take(walk, "stays", int, 0), 0, STAYS_MAX),
        steps=_steps(_take(table, "steps", list, [])),
    )
    for section in (document, page, camera, walk, table):
        if section:
            raise ScenarioError(f"unknown setting {', '.join(sorted(section))}")
    return scenario


def _document_number(word: str | None) -> str | None:
    if word is not None and NUMBER.fullmatch(word) is None:
        raise ScenarioError(f"{word!r} is no document's number: nine capital letters and digits")
    return word


def _steps(tables: list[Any]) -> tuple[Step, ...]:
    if len(tables) > DEEDS_MAX:
        raise ScenarioError(f"more than {DEEDS_MAX} steps")
    return tuple(_step(table) for table in tables)


def _step(table: Any) -> Step:  # noqa: ANN401 - TOML gives anything
    if not isinstance(table, dict):
        raise ScenarioError("a step is a table")
    do = _member(Deed, _take(table, "do", str))
    lasts = do in LASTING_DEEDS
    for_ms = _number(_take(table, "for_ms", int, None if lasts else 0), 0, WAIT_MS_MAX)
    if bool(for_ms) != lasts:
        raise ScenarioError(f"{do.value} {'needs' if lasts else 'has no'} for_ms")
    step = Step(_member(Moment, _take(table, "at", str)), do, for_ms)
    if table:
        raise ScenarioError(f"unknown setting {', '.join(sorted(table))}")
    return step


_REQUIRED = object()


def _take(table: dict[str, object], name: str, kind: type, default: Any = _REQUIRED) -> Any:  # noqa: ANN401 - TOML gives anything
    value = table.pop(name, default)
    if value is _REQUIRED:
        raise ScenarioError(f"{name} is missing")
    if value is not default and type(value) is not kind:
        raise ScenarioError(f"{name} must be a {kind.__name__}")
    return value


def _member(kind: type[Member], word: str) -> Member:
    try:
        return kind(word)
    except ValueError:
        allowed = ", ".join(member.value for member in kind)
        raise ScenarioError(f"{word!r} is none of: {allowed}") from None


def _edition(name: str | None) -> str | None:
    if name is not None and name not in KNOWN:
        raise ScenarioError(f"{name!r} is none of: {', '.join(KNOWN)}")
    return name


def _lays(words: list[Any] | None) -> tuple[Lay, ...] | None:
    if words is None:
        return None
    if not 1 <= len(words) <= LAYS_MAX:
        raise ScenarioError(f"a page is laid 1 to {LAYS_MAX} times")
    return tuple(_member(Lay, word) for word in _words(words))


def _people(values: list[Any]) -> tuple[str, ...]:
    people = _words(values)
    if strangers := set(people).difference(names()):
        raise ScenarioError(f"nobody is named {', '.join(sorted(strangers))}")
    return people


def _words(values: Iterable[Any]) -> tuple[str, ...]:
    words = tuple(values)
    if not all(isinstance(word, str) for word in words):
        raise ScenarioError("a list of words holds something else")
    return words


def _number(value: int | None, least: int, most: int) -> int:
    if value is None or not least <= value <= most:
        raise ScenarioError(f"{value} is not between {least} and {most}")
    return value
