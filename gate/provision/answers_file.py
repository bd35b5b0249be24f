"""A technician's answers as a file: TOML, read strictly, and what is wrong is told with its line.

AnswersError
├── UnreadableAnswersError   there is no such file, or it cannot be read
└── WrongAnswersError        what it holds can never work
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from gate.provision.answers import BAUDS, BY_CHARACTERS_MAX, Answers, Problem, central_problem
from gate.provision.way import NEEDED, TITLES
from gate_core.settings.toml_file import Contradictions, FileError, TomlFile, Wrong

FILE_BYTES_MAX: Final = 64 * 1024
_Words = Annotated[str, msgspec.Meta(max_length=512)]
_Baud = Annotated[int, msgspec.Meta(ge=BAUDS.start, lt=BAUDS.stop)]


class AnswersError(Exception):
    """The answers are of no use; the message says where and why."""


class UnreadableAnswersError(AnswersError):
    """There is no such file, or it cannot be read."""


class WrongAnswersError(AnswersError):
    """What the file holds can never work."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of every table of answers."""


class Board(_Table, frozen=True, kw_only=True):
    """The barrier, of two doors the last one's. No port: the gate only watches."""

    port: _Words = ""
    driver: _Words = "modbus"
    profile: _Words = "portcullis-sim"
    baud: _Baud | None = None
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None


class FirstBoard(_Table, frozen=True, kw_only=True):
    """The first of two doors' line; its board is of the barrier's kind."""

    port: _Words = ""


class SensorUnit(_Table, frozen=True, kw_only=True):
    """The sensor unit."""

    port: _Words = ""
    profile: _Words = "portcullis-sim"


class SerialReader(_Table, frozen=True, kw_only=True):
    """The reader of machine-readable zones at a serial line."""

    port: _Words = ""
    driver: _Words = "elyctis"
    profile: _Words = ""


class PageSource(_Table, frozen=True, kw_only=True):
    """A document camera's address or device, or the folder of a scanner's service."""

    source: _Words = ""
    link: _Words = ""


class ChipReader(_Table, frozen=True, kw_only=True):
    """The reader of chips."""

    driver: _Words = "pcsc"
    socket: _Words = ""


class Camera(_Table, frozen=True, kw_only=True):
    """The camera before the traveller."""

    address: _Words
    link: _Words = ""


class Pad(_Table, frozen=True, kw_only=True):
    """A sensor beside the camera that tells a person from a picture: its service's socket and user, and its profile."""

    socket: _Words = ""
    profile: _Words = ""
    user: _Words = ""


class Notice(_Table, frozen=True, kw_only=True):
    """What travellers are told of their data: for how many days results are kept, whom to ask, where the whole notice is."""

    results_kept_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] | None = None
    contact: _Words = ""
    address: _Words = ""


class Lists(_Table, frozen=True, kw_only=True):
    """Certificates and lists to be imported now; `test` marks them as fit for demos only."""

    files: tuple[_Words, ...] = ()
    signer: _Words = ""
    test: bool = False


class Central(_Table, frozen=True, kw_only=True):
    """The central server, the operator's authority, and the file of the one-time token."""

    address: _Words = ""
    ca: _Words = ""
    token_file: _Words = ""


class SiteAnswers(_Table, frozen=True, kw_only=True):
    """All of them. `by` is who sets the gate up, `eyes_cm` how high their eyes are; `skip` holds the reason for each step that is left out."""

    by: Annotated[str, msgspec.Meta(min_length=1, max_length=BY_CHARACTERS_MAX)]
    operator: _Words
    gate_id: _Words
    purpose: _Words = "service"
    time_zone: _Words = "UTC"
    auditors: tuple[_Words, ...]
    officers: _Words = ""
    eyes_cm: Annotated[int, msgspec.Meta(ge=100, le=220)] = 160
    barrier: Board = Board()
    first_barrier: FirstBoard = FirstBoard()
    sensors: SensorUnit = SensorUnit()
    swipe: SerialReader = SerialReader()
    page: PageSource = PageSource()
    chip: ChipReader = ChipReader()
    camera: Camera
    pad: Pad = Pad()
    notice: Notice = Notice()
    lists: Lists = Lists()
    central: Central = Central()
    skip: dict[str, Annotated[str, msgspec.Meta(min_length=1, max_length=300)]] = {}

    def __post_init__(self) -> None:
        unknown, needed = sorted(self.skip.keys() - TITLES.keys()), sorted(self.skip.keys() & set(NEEDED))
        wrong = [Wrong(f"skip.{step}", f"there is no such step; there are {', '.join(TITLES)}") for step in unknown]
        wrong += [Wrong(f"skip.{step}", "without this step there is no gate") for step in needed]
        central = self.central
        if central.address and not (central.ca and central.token_file):
            wrong.append(Wrong("central.address", "to be enrolled takes address, ca and token_file"))
        if wrong:
            raise Contradictions(wrong)

    def answers(self, root: Path | None) -> Answers:
        """What becomes of it in the configuration."""
        line = {"baud": self.barrier.baud, "unit": self.barrier.unit}
        return Answers(
            purpose=self.purpose,
            operator=self.operator,
            gate_id=self.gate_id,
            barrier_port=self.barrier.port,
            barrier_driver=self.barrier.driver,
            barrier_profile=self.barrier.profile,
            swipe_port=self.swipe.port,
            swipe_driver=self.swipe.driver,
            swipe_profile=self.swipe.profile,
            page=self.page.source,
            chip_driver=self.chip.driver,
            chip_socket=self.chip.socket,
            camera=self.camera.address,
            camera_link=self.camera.link,
            page_link=self.page.link,
            recipients=self.auditors,
            first_barrier_port=self.first_barrier.port,
            sensors_port=self.sensors.port,
            sensors_profile=self.sensors.profile,
            pad_socket=self.pad.socket,
            pad_profile=self.pad.profile,
            pad_user=self.pad.user,
            officers=self.officers,
            time_zone=self.time_zone,
            notice={key: value for key, value in msgspec.structs.asdict(self.notice).items() if value},
            line={key: value for key, value in line.items() if value is not None},
            root=root,
        )


def read(path: Path) -> SiteAnswers:
    """Read a file of answers. Raises AnswersError with the line of what is wrong."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise UnreadableAnswersError(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > FILE_BYTES_MAX:
        raise WrongAnswersError(f"{path} is larger than {FILE_BYTES_MAX // 1024} KiB")
    try:
        source = TomlFile(str(path), raw.decode())
        table = source.table()
        if empty := list(_empty(table)):
            raise source.error(*(Wrong(key, "is empty: write what it is, or leave the key out") for key in empty))
        return _checked(source, parse(table, source))
    except UnicodeDecodeError as error:
        raise WrongAnswersError(f"{path} is not UTF-8") from error
    except FileError as error:
        raise WrongAnswersError(str(error)) from error


def _empty(table: Mapping[str, object], room: str = "") -> Iterator[str]:
    """The keys of texts without a character: whoever wrote the file had something in mind that did not get there."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _empty(value, f"{room}{key}.")
        elif value == "":
            yield room + key


def parse(table: dict[str, object], source: TomlFile) -> SiteAnswers:
    """Check the answers' form. Raises FileError with the line of what is wrong."""
    return source.fitted(table, SiteAnswers)


def _checked(source: TomlFile, answers: SiteAnswers) -> SiteAnswers:
    """The same, once every answer can be right. Raises FileError."""
    found = answers.answers(None).problems()
    if answers.central.address and (why := central_problem(answers.central.address)):
        found.append(Problem("central.address", why))
    if found:
        raise source.error(*(Wrong(one.key, one.why) for one in found))
    return answers
