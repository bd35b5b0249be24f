"""The acceptance report: what was done at a gate, on what it was verified, and who attests it.

It is a document (JSON) and a page (HTML) with the same content; one signed note has the SHA-256 of both, and each file contains the note. The
log's key signs, because auditors have its public half. The note's first line is no log's origin, so that it cannot be taken for a checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

import msgspec

from gate.provision.steps import TITLES, Figure, Outcome, StepState, Verified
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.note import Note, Signer, Verifier
from gate_core.web_pages.templates import environment

SCHEMA: Final = "provision.acceptance/1"
REPORT_BYTES_MAX: Final = 16 * 1024 * 1024
_KIND: Final = "portcullis acceptance report/1"
_TEXT: Final = re.compile(
    re.escape(_KIND) + r"\n(?P<origin>[^\s+]{1,512})\njson (?P<json>[0-9a-f]{64})\nhtml (?P<html>[0-9a-f]{64})\n"
)
_TAIL: Final = "\n<!-- signed note\n"  # behind the page's last tag; everything before it is what was signed
_TAIL_END: Final = "-->\n"
VERIFIED: Final = {
    "hardware": "verified on hardware",
    "simulator": "on a simulator",
    "not_verified": "not verified",
    "no_device": "done, no device",
}
STATES: Final = {"done": "done", "failed": "failed", "skipped": "left out", "not_done": "not done"}
_UNITS: Final = {"ms": "ms", "cm": "cm", "px": "pixels", "k": "K"}
_FIGURES: Final = {
    "mean_level": "mean brightness {} of 255",
    "face_level": "brightness of the face {} of 255",
    "clipped_part": "{} of the picture black or white through",
    "eyes_at_part": "the eyes at {} of the picture's height",
    "spread_ms": "in repetitions within {} ms of each other",
    "correlation": "{} of 1 alike with what was shown or set",
    "lux_about": "about {} lux",
    "hall_to_face": "the hall {} times as bright as the face",
    "frames_per_second": "{} pictures a second",
    "bodies_at_once": "{} bodies in the zone at once, at most",
    "board_says_host_lost": "the board says that it lost its host: {}",
    "restarts": "{} starts of the board so far",
}
_FOLLOWED: Final = {"gain": "seen at {} times its strength"}  # of the steps that measure how late a camera is


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """The report's gate; `origin`: its log's."""

    id: str
    operator: str
    origin: str
    purpose: str
    mode: str
    time_zone: str


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model that sees travellers."""

    name: str
    version: str
    sha256: str


class Software(msgspec.Struct, frozen=True, kw_only=True):
    """Software versions and machine."""

    portcullis: str
    python: str
    system: str
    models: tuple[Model, ...]


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Its file, and the digest that approvers sign; empty if unavailable."""

    path: str
    digest: str


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A device's driver and profile, and the profile's own statement."""

    device: str
    driver: str
    profile: str
    said: str


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """The log's public key, empty without one, and the fingerprint that two people compare."""

    vkey: str
    fingerprint: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One step: its state (`done failed skipped not_done`), and on what it was verified."""

    id: str
    title: str
    state: str
    verified: str
    detail: str = ""
    figures: dict[str, Figure] = {}
    at: str = ""
    took_ms: int = 0


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that service requires and that does not exist: its subject, and what to do."""

    id: str
    why: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A step's photograph, as JPEG in Base64."""

    id: str
    caption: str
    jpeg: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. `console_key`: the fingerprint by which consoles know the gate; empty without consoles or key."""

    gate: Gate
    by: str
    made_at: str
    software: Software
    configuration: Configuration
    profiles: tuple[Profile, ...]
    key: Key
    console_key: str = ""
    auditors: tuple[str, ...]
    verdict: str
    lines: tuple[Line, ...]
    missing_for_service: tuple[Missing, ...]
    pictures: tuple[Picture, ...]


def line(step: str, title: str, outcome: Outcome | None, *, why_not: str = "") -> Line:
    """Return one line of the report. A step that is not done, or does not count, is not verified, whatever it was tested on."""
    if outcome is None:
        return Line(id=step, title=title, state="not_done", verified=Verified.NO.value, detail=why_not)
    verified = outcome.verified if outcome.state is StepState.DONE else Verified.NO
    return Line(
        id=step,
        title=title,
        state=outcome.state.value,
        verified=verified.value,
        detail=outcome.detail,
        figures=outcome.figures,
        at=outcome.at,
        took_ms=outcome.took_ms,
    )


# ── its page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def page(report: Report) -> str:
    """Return the report as one file without script, font or address, for paper and for phones. Equal reports give equal pages."""
    # Each value is escaped as reports always had it: html.escape spells a quote otherwise than Jinja.
    templates = environment(Path(__file__).with_name("pages")).overlay(
        autoescape=False, finalize=lambda value: escape(str(value))
    )
    words = Counter(map(_word, report.lines))
    return templates.get_template("acceptance.html").render(
        report=report, words=words, word_of=_word, figure=_figure, titles=TITLES
    )


def _word(line: Line) -> str:
    return VERIFIED[line.verified] if line.state == "done" else STATES[line.state]


def _figure(step: str, name: str, value: object) -> str:
    """Return one figure as text, with its unit."""
    shown = (
        {True: "yes", False: "no"}[value]
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
    words = _FOLLOWED.get(name) if step in {"camera_control_lag", "camera_lag"} else None
    if words := words or _FIGURES.get(name):
        return words.format(shown)
    label, _, unit = name.rpartition("_")
    if unit in _UNITS and label:
        return f"{label.replace('_', ' ')} {shown} {_UNITS[unit]}"
    return f"{name.replace('_', ' ')} {shown}"


# ── its files ────────────────────────────────────────────────────────────────────────────────────────────────────────


class NoReportError(Exception):
    """A file that is no acceptance report."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a file states: its note, the log it names, and whether the file matches the note."""

    note: str
    origin: str
    holds: bool

    def is_signed(self, vkey: str) -> bool:
        """True if the file matches its note, and this key signed the note. Raises BadFormatError for an invalid key."""
        verifier = Verifier.parse(vkey)
        try:
            Note.parse(self.note.encode()).verify(verifier)
        except (BadFormatError, BadSignatureError):
            return False
        return self.holds and self.origin == verifier.name


def signed(report: Report, html: str, signer: Signer) -> tuple[bytes, bytes]:
    """Return the report's page, with this HTML, and its document, both with the signed note."""
    fields = msgspec.to_builtins(report)
    text = f"{_KIND}\n{signer.verifier.name}\njson {_digest(_canonical(fields))}\nhtml {_digest(html.encode())}\n"
    note = Note(text, (signer.sign(text),)).to_bytes().decode()
    whole = {"schema": SCHEMA, "report": fields, "note": note}
    document = json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return (html + _TAIL + note + _TAIL_END).encode(), document.encode()


def claimed(content: bytes) -> Claimed:
    """Parse either file of a report. Raises NoReportError. The caller must check the note's signature."""
    if len(content) > REPORT_BYTES_MAX:
        raise NoReportError(f"larger than {REPORT_BYTES_MAX // 2**20} MiB")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise NoReportError("not UTF-8") from error
    body, tail, rest = text.rpartition(_TAIL)
    if tail:
        note, end, behind = rest.rpartition(_TAIL_END)
        if not end or behind:
            raise NoReportError("something stands behind its note")
        return _claimed(note, "html", body.encode())
    try:
        whole = json.loads(text)
        report, note = whole["report"], whole["note"]
        is_whole = whole["schema"] == SCHEMA and len(whole) == 3 and isinstance(note, str)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoReportError("neither a report's page nor its document") from error
    if not is_whole:
        raise NoReportError("neither a report's page nor its document")
    return _claimed(note, "json", _canonical(report))


def _claimed(note: str, kind: str, content: bytes) -> Claimed:
    found = _TEXT.match(note)
    if found is None or not note[found.end() :].startswith("\n"):
        raise NoReportError("its note is not of an acceptance report")
    return Claimed(note, found["origin"], found[kind] == _digest(content))


def _canonical(report: object) -> bytes:
    return json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
