"""The support bundle: an uncompressed tar file, with a manifest of its content and of what was left out.

It holds only numbers, and words of closed vocabularies (`kept`), since free text may contain names.
"""

from __future__ import annotations

import enum
import hashlib
import importlib.metadata
import io
import json
import platform
import re
import subprocess
import tarfile
import typing
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urlsplit

import msgspec

from gate.channel import errors as channel_errors
from gate.channel.row import PROGRAMS
from gate.channel.table import CHANNELS
from gate.passage import states
from gate.passage.events import Part as LanePart
from gate.passage.names import ClosedAs, Disposition, IncidentKind, Outcome, RecordKind
from gate.programs import selftest
from gate.programs.screens.metrics import exposition
from gate.programs.shared import program_status
from gate.programs.shared.config import Config
from gate.programs.shared.degraded_modes import MODES, OWN_WORDS, Lane, modes_now, reasons_against
from gate.programs.shared.program_status import ProgramStatus, Silence
from gate_core import errors as driver_errors
from gate_core.evidence.crossing import Alarm, CheckId, CheckResult, Door, Notice
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.evidence.service_scope import BorderDirection
from gate_core.ports.values import LampColour, LeafPosition
from gate_core.programs.journal import EVENTS

LEFT_OUT: Final = "(left out)"
_VOCABULARIES: Final[tuple[type[enum.Enum], ...]] = (
    Alarm, BorderDirection, CheckId, CheckResult, ClosedAs, Disposition, Door, Guidance, IncidentKind, LampColour, Lane, LeafPosition, Notice,
    Outcome, LanePart, Purpose, Reason, RecordKind, Screen, Silence,
)  # fmt: skip
# Words of drivers' counters, programs' states, status and journal.
_OTHERS: Final = (
    "requests silences bytes_passed_over strangers unasked connects looks pulses pulse_ms_max edges_forgotten ready degraded starting up down shown "
    "warm warming closed open importing failing all eu gate shadow first last swipe page count overdue certificates revocation_lists age_days kind "
    "well busy no_right wrong"
)
_KEPT_TEXT: Final = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?|[0-9.]{1,8}")


def _words() -> Iterator[str]:
    for vocabulary in _VOCABULARIES:
        yield from (str(one.value) for one in vocabulary)
    for state in typing.get_args(states.State):
        yield from (state.__name__, state.__name__.lower())
    for module in (driver_errors, channel_errors):
        yield from (name for name in vars(module) if name.endswith("Error"))
    yield from (
        *PROGRAMS,
        *(channel.name for channel in CHANNELS.every()),
        *EVENTS,
        *(mode.name for mode in MODES),
        *_OTHERS.split(),
    )
    yield from OWN_WORDS
    for kind in vars(program_status).values():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from kind.__struct_fields__


WORDS: Final = frozenset(_words())


def kept(value: object) -> object:
    """Return the permitted part of plain data: structure, numbers, known words. Removes other keys with values."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return value if _is_ours(value) else LEFT_OUT
        case list() | tuple():
            return [kept(one) for one in value]
        case Mapping():
            return {key: kept(one) for key, one in value.items() if isinstance(key, str) and _is_ours(key)}
        case _:
            return LEFT_OUT


def _is_ours(text: str) -> bool:
    """True for a known word, two of them joined by a colon, a date, or a short number."""
    reason, _, detail = text.partition(":")
    joined = reason in WORDS and (not detail or detail in WORDS)
    return joined or _KEPT_TEXT.fullmatch(text) is not None


def event_kept(line: Mapping[str, object]) -> dict[str, object] | None:
    """Return the permitted part of a journal entry (`journalctl -o json`): time, program, event, numbers, words.

    None if it is no event. The crossing's id is removed; the audit log has it.
    """
    name, program = line.get("GATE_EVENT"), line.get("GATE_PROGRAM")
    event = EVENTS.get(name) if isinstance(name, str) else None
    if event is None or program not in {*PROGRAMS, "central"}:
        return None
    fields: dict[str, object] = {"event": name, "program": program}
    for key, source in (("realtime_us", "__REALTIME_TIMESTAMP"), ("priority", "PRIORITY")):
        fields[key] = _number(line.get(source))
    for field in event.fields:
        if field != "crossing":
            given = line.get(f"GATE_{field.upper()}")
            number = _number(given)
            fields[field] = number if number is not None else kept(given)
    return {key: value for key, value in fields.items() if value is not None}


def _number(value: object) -> int | None:
    """Return a count or time as int, else None: longer numbers might be a document's."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and (len(text) <= 7 or len(text) == 16) else None


JOURNAL_LINES_MAX: Final = 20_000
JOURNAL_DAYS: Final = 7
JOURNAL_DEADLINE_S: Final = 60
# Tests whose text is only ours and the system's; others may quote files and devices.
_OWN_WORDS: Final = (
    "disk", "clock", "reference_page", "reference_document", "barrier", "first_barrier", "sensors", "programs",
)  # fmt: skip
NEVER: Final = (
    "names of officers and approvers, and their keys",
    "anything of a traveller, a document or a crossing: the audit log is not read",
    "passwords, tokens, keys, and what stands behind an address",
    "text of devices, libraries and peers",
)
_DEVICE: Final = ("driver", "port", "profile", "path", "socket", "reader")
# Keys whose texts are kept, by table; numbers are always kept. Addresses keep scheme, host and port.
KEPT: Final = {
    "": ("purpose", "mode", "gate_id", "operator", "time_zone"),
    "paths": ("run", "state", "spool", "inbox", "models", "trust", "keys", "approval", "identity"),
    **dict.fromkeys(("barrier", "first_barrier", "sensors", "swipe", "page", "chip", "camera"), _DEVICE),
    "face": ("profile", "providers"),
    "rules": ("directions", "page_checks_refer", "two_officers_for"),
    "document": ("control_centre",),
    "lists": ("folder", "signer"),
    "registers": ("folder", "incoming"),
    "screens": ("host", "languages", "management"),
}
ADDRESSES: Final = (("camera", "address"), ("page", "address"), ("sync", "address"))


def without_secrets(config: Config) -> dict[str, object]:
    """Return the permitted part of the configuration."""
    tables = msgspec.to_builtins(config)
    told: dict[str, object] = {
        name: {key: _value(name, key, one) for key, one in value.items()}
        if isinstance(value, dict)
        else _value("", name, value)
        for name, value in tables.items()
    }
    told["audit"] = f"{len(config.audit.recipients)} recipients"
    told["officers"] = "an authority" if config.officers is not None else None
    return told


def _value(table: str, key: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if (table, key) in ADDRESSES and isinstance(value, str):
        return _address(value)
    if key in KEPT.get(table, ()) and (
        isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    ):
        return value
    return f"{LEFT_OUT}: {len(value)}" if isinstance(value, list | dict) else LEFT_OUT


def _address(text: str) -> str:
    """Return scheme, host and port of an address, or a device's name."""
    if text.startswith("/dev/"):
        return text
    parts = urlsplit(text if "//" in text else f"//{text}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        return LEFT_OUT
    if not host:
        return LEFT_OUT
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}".removeprefix("://")


class PartError(Exception):
    """A part of the bundle is not available; the message gives the reason, in our own words."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the bundle: name, description and content."""

    name: str
    says: str
    content: bytes

    def entry(self) -> dict[str, object]:
        """Return its entry in the manifest."""
        digest = hashlib.sha256(self.content).hexdigest()
        return {"name": self.name, "says": self.says, "bytes": len(self.content), "sha256": digest}


@dataclass(frozen=True, slots=True)
class Bundle:
    """All parts, and why others are missing."""

    parts: tuple[Part, ...]
    missing: tuple[str, ...]

    def manifest(self, made_at: datetime) -> dict[str, object]:
        """Return the manifest."""
        return {
            "schema": "support-bundle.manifest/1",
            "made_at": made_at.isoformat(timespec="seconds"),
            "files": [part.entry() for part in self.parts],
            "missing": list(self.missing),
            "never": list(NEVER),
        }


async def collect(
    config: Config,
    *,
    told_by: Callable[[Config], Awaitable[ProgramStatus]],
    tests: Callable[[Config], Awaitable[list[selftest.TestOutcome]]],
    journal: Callable[[], Iterable[str]],
) -> Bundle:
    """Collect all parts that this user may read."""
    told = await told_by(config)
    outcomes = [_tested(one) for one in await tests(config)]
    exposed = exposition(told, config, version=_version()).encode()
    parts = [
        _json("versions.json", "what is installed", versions()),
        _json("configuration.json", "gate.toml without secrets and names", without_secrets(config)),
        _json("status.json", "how the programs are", _status(told, config)),
        Part("metrics.txt", "counters and times, as Prometheus reads them", exposed),
        _json("selftest.json", "every device, model, list, clock and disk", outcomes),
    ]
    missing = [] if told.says("lane") else ["status.json: the lane does not answer, or this user may not ask it"]
    try:
        events = "".join(json.dumps(event) + "\n" for event in _events(journal()))
        says = f"events of our units in the last {JOURNAL_DAYS} days, a line each"
        parts.append(Part("journal.jsonl", says, events.encode()))
    except PartError as error:
        missing.append(f"journal.jsonl: {error}")
    return Bundle(tuple(parts), tuple(missing))


def write(bundle: Bundle, file: BinaryIO, made_at: datetime) -> None:
    """Write the tar file. Raises OSError."""
    manifest = _json("manifest.json", "", bundle.manifest(made_at))
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for part in (manifest, *bundle.parts):
            about = tarfile.TarInfo(f"support/{part.name}")
            about.size, about.mode, about.mtime = len(part.content), 0o644, int(made_at.timestamp())
            tar.addfile(about, io.BytesIO(part.content))


def _json(name: str, says: str, content: object) -> Part:
    return Part(name, says, json.dumps(content, indent=1, sort_keys=True).encode() + b"\n")


def _version() -> str:
    return importlib.metadata.version("portcullis")


def versions() -> dict[str, object]:
    """Return versions of the installed software and system."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    found = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
    return {
        "portcullis": _version(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "system": f"{release.get('ID', '')} {release.get('VERSION_ID', '')}".strip(),
        "packages": dict(sorted(found.items())),
    }


def _status(told: ProgramStatus, config: Config) -> dict[str, object]:
    said = {
        name: msgspec.to_builtins(getattr(told, name))
        for name in ("lane", "log", "vision", "sync", "screens", "registers")
    }
    if said["lane"]["closed_by"] is not None:
        said["lane"]["closed_by"] = LEFT_OUT  # an officer's id may be a number or a known word
    return {
        "programs": kept(told.states()),
        "ready_against": kept(reasons_against(told, config)),
        "degraded": [mode.name for mode in modes_now(told, config)],
        "detail": kept(said),
    }


def _tested(outcome: selftest.TestOutcome) -> dict[str, object]:
    detail = outcome.detail if outcome.id in _OWN_WORDS else kept(outcome.detail)
    return {"id": outcome.id, "state": outcome.state.value, "took_ms": outcome.took_ms, "detail": detail}


def _events(lines: Iterable[str]) -> Iterator[dict[str, object]]:
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # an incomplete line of the journal
        if isinstance(entry, dict) and (event := event_kept(entry)) is not None:
            yield event


def journal_of_our_units() -> list[str]:
    """Return our units' journal entries, one JSON document per line. Raises PartError."""
    bounds = (f"--since=-{JOURNAL_DAYS}d", f"--lines={JOURNAL_LINES_MAX}")
    command = ("journalctl", "--output=json", "--unit=gate-*", *bounds, "--no-pager")
    try:
        done = subprocess.run(command, capture_output=True, timeout=JOURNAL_DEADLINE_S, check=False)  # noqa: S603 - ours
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PartError("there is no journal here, or it does not answer") from error
    if done.returncode:
        raise PartError("there is none here, or this user may not read it; root and members of systemd-journal may")
    return done.stdout.decode("utf-8", "replace").splitlines()
