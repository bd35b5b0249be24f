"""The technician's answers: parsed strictly from a TOML file, with the line of each error, and converted to the tables of gate.toml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from drivers.camera.settings import is_https
from gate.provision.answer_checks import BAUDS
from gate.provision.questions import BY_CHARACTERS_MAX, flat, keyed, nested, problems
from gate.provision.steps import NEEDED, TITLES, StepError, step_errors
from gate_core.command_line.output import Exit
from gate_core.settings.toml_file import Contradictions, FileError, TomlFile, Wrong

FILE_BYTES_MAX: Final = 64 * 1024
UTC: Final = "UTC"
_Words = Annotated[str, msgspec.Meta(max_length=512)]
_Baud = Annotated[int, msgspec.Meta(ge=BAUDS.start, lt=BAUDS.stop)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every table of answers. `QUESTIONS` describes each key, and when it may be omitted."""


class _Board(_Table, frozen=True, kw_only=True):
    port: _Words = ""
    driver: _Words = "modbus"
    profile: _Words = "portcullis-sim"
    baud: _Baud | None = None
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None


class _FirstBoard(_Table, frozen=True, kw_only=True):
    port: _Words = ""


class _SensorUnit(_Table, frozen=True, kw_only=True):
    port: _Words = ""
    profile: _Words = "portcullis-sim"


class _SerialReader(_Table, frozen=True, kw_only=True):
    port: _Words = ""
    driver: _Words = "elyctis"
    profile: _Words = ""


class _PageSource(_Table, frozen=True, kw_only=True):
    source: _Words = ""
    link: _Words = ""


class _ChipReader(_Table, frozen=True, kw_only=True):
    driver: _Words = "pcsc"
    socket: _Words = ""


class _Camera(_Table, frozen=True, kw_only=True):
    address: _Words
    link: _Words = ""


class _Pad(_Table, frozen=True, kw_only=True):
    socket: _Words = ""
    profile: _Words = ""
    user: _Words = ""


class _Notice(_Table, frozen=True, kw_only=True):
    results_kept_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] | None = None
    contact: _Words = ""
    address: _Words = ""


class _Lists(_Table, frozen=True, kw_only=True):
    files: tuple[_Words, ...] = ()
    signer: _Words = ""
    test: bool = False


class _Central(_Table, frozen=True, kw_only=True):
    address: _Words = ""
    ca: _Words = ""
    token_file: _Words = ""


class SiteAnswers(_Table, frozen=True, kw_only=True):
    """All answers. `by`: who sets the gate up; `eyes_cm`: the height of their eyes; `skip`: the reason for each omitted step."""

    by: Annotated[str, msgspec.Meta(min_length=1, max_length=BY_CHARACTERS_MAX)]
    operator: _Words
    gate_id: _Words
    purpose: _Words = "service"
    time_zone: _Words = UTC
    auditors: tuple[_Words, ...]
    officers: _Words = ""
    eyes_cm: Annotated[int, msgspec.Meta(ge=100, le=220)] = 160
    barrier: _Board = _Board()
    first_barrier: _FirstBoard = _FirstBoard()
    sensors: _SensorUnit = _SensorUnit()
    swipe: _SerialReader = _SerialReader()
    page: _PageSource = _PageSource()
    chip: _ChipReader = _ChipReader()
    camera: _Camera
    pad: _Pad = _Pad()
    notice: _Notice = _Notice()
    lists: _Lists = _Lists()
    central: _Central = _Central()
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

    @property
    def given(self) -> dict[str, str | list[str]]:
        """Return the answers by key, without the omitted steps."""
        return {key: one for key, one in flat(msgspec.to_builtins(self)).items() if not key.startswith("skip.")}

    def configuration(self, root: Path | None) -> dict[str, object]:
        """Return the tables of gate.toml. `root`: the folder of all folders, for a gate that is not installed system-wide."""
        tables: dict[str, object] = {
            "purpose": self.purpose,
            "gate_id": self.gate_id,
            "operator": self.operator,
            "time_zone": "" if self.time_zone == UTC else self.time_zone,
            "paths": {} if root is None else _paths(root),
            **self._barriers(),
            "sensors": _filled(self.sensors) if self.sensors.port else {},
            "swipe": _filled(self.swipe) if self.swipe.port else {},
            "page": self._page(),
            "chip": msgspec.to_builtins(self.chip),
            "camera": self._camera(),
            "officers": {"authority": self.officers} if self.officers else {},
            "audit": {"recipients": list(self.auditors)},
            "notice": _filled(self.notice),
        }
        return {key: value for key, value in tables.items() if value}

    def _barriers(self) -> dict[str, object]:
        """Both doors have boards of one kind; a site with others edits gate.toml."""
        if not self.barrier.port:
            return {"mode": "shadow"}
        board = _filled(self.barrier)
        return {
            "barrier": board,
            "first_barrier": {**board, **_filled(self.first_barrier)} if self.first_barrier.port else {},
        }

    def _page(self) -> dict[str, object]:
        source = self.page.source
        if source and not source.startswith("/dev/") and "://" not in source:
            return {"driver": "folder", "path": source}
        return {"driver": "camera", "address": source, **_link(source, self.page.link)} if source else {}

    def _camera(self) -> dict[str, object]:
        """In service a camera without a certificate must obey commands; its delay is measured later."""
        address = self.camera.address
        usb = {"driver": "v4l2"} if address.startswith("/dev/") else {}
        obeys = {"challenge": True} if self.purpose == "service" and not is_https(address) else {}
        pad = {"pad": _filled(self.pad)} if self.pad.socket else {}
        return {**usb, "address": address, **_link(address, self.camera.link), **obeys, **pad}


def _filled(table: _Table) -> dict[str, object]:
    """Return the given answers of a table."""
    return {key: value for key, value in msgspec.structs.asdict(table).items() if value not in {"", None}}


def _paths(root: Path) -> dict[str, str]:
    folders = {key: str(root / key) for key in ("run", "state", "spool", "inbox", "models", "keys", "identity")}
    return {**folders, "trust": str(root / "trust.sqlite"), "approval": str(root)}


def _link(address: str, link: str) -> dict[str, str]:
    """Return the key for an answer about a network camera's link."""
    if not is_https(address):
        return {"plain_http_risk": link} if link else {}
    return {"authorities" if link.startswith("/") else "certificate_sha256": link}


def read(path: Path) -> SiteAnswers:
    """Parse a file of answers. Raises StepError, with the line of the error."""
    with step_errors(OSError, doing=f"cannot read {path}"), path.open("rb") as file:
        raw = file.read(FILE_BYTES_MAX + 1)
    if len(raw) > FILE_BYTES_MAX:
        raise StepError(f"{path} is larger than {FILE_BYTES_MAX // 1024} KiB", Exit.BAD_DATA)
    try:
        source = TomlFile(str(path), raw.decode())
    except UnicodeDecodeError as error:
        raise StepError(f"{path} is not UTF-8", Exit.BAD_DATA) from error
    with step_errors(FileError, code=Exit.BAD_DATA):
        table = source.table()
        # An empty text is probably a mistake.
        if empty := [key for key, value in keyed(table).items() if value == ""]:
            raise source.error(*(Wrong(key, "is empty: write what it is, or leave the key out") for key in empty))
        return checked(table, source)


def checked(table: dict[str, object], source: TomlFile) -> SiteAnswers:
    """Return the answers, whose form and content are right. Raises FileError with the line of each error."""
    answers = source.fitted(table, SiteAnswers)
    if wrong := list(problems(answers.given)):
        raise source.error(*wrong)
    return answers


def by_key(given: Mapping[str, object], by: str) -> SiteAnswers:
    """Return answers that come one by one, such as `barrier.port`; None is none. Raises FileError that names each wrong key."""
    return checked({"by": by, **nested(given)}, TomlFile("", ""))
