"""The acceptance report as a page: one file without script, font or address, for paper and for a phone."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from typing import Final

from gate.provision.acceptance import Line, Report
from gate.provision.steps import TITLES
from gate_core.web_pages.templates import environment

VERIFIED: Final = {
    "hardware": "verified on hardware",
    "simulator": "on a simulator",
    "not_verified": "not verified",
    "no_device": "done, no device",
}
MEANINGS: Final = {
    "verified on hardware": "the step was done, before a real device",
    "on a simulator": "the step was done, before a device that is simulated; for service it is to be done on hardware",
    "not verified": "the step was done, before a device that nobody can tell from a simulated one, or that shows nothing of it",
    "done, no device": "the step was done; no device has a part in it",
    "failed": "the step was tried, and did not end as it must",
    "left out": "the step was not done, and the reason stands there",
    "not done": "nobody has come to the step yet",
}
DEVICES: Final = {
    "barrier": "Barrier",
    "first_barrier": "First door's barrier",
    "sensors": "Sensor unit",
    "swipe": "Document reader",
    "page": "Page source",
    "chip": "Chip reader",
    "camera": "Camera",
}
PROOFS: Final = {
    **DEVICES,
    "parts": "A simulated part",
    "profiles": "A profile",
    "threshold": "Threshold of the faces",
    "approval": "Approval by two persons",
    "officers": "Officers",
    "lists": "Certificates and lists",
    "clock": "Clock",
    "log_key": "The log's key",
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


def page(report: Report) -> str:
    """The whole page. The same report always gives the same page."""
    # Each value is escaped as reports always had it: html.escape spells a quote otherwise than Jinja.
    templates = environment(Path(__file__).with_name("pages")).overlay(
        autoescape=False, finalize=lambda value: escape(str(value))
    )
    return templates.get_template("acceptance.html").render(
        report=report,
        gate=report.gate,
        words=Counter(map(_word, report.lines)),
        meanings=MEANINGS,
        about=_about(report),
        devices=[
            (DEVICES.get(one.device, one.device), f"{', '.join(filter(None, (one.driver, one.profile)))}: {one.said}")
            for one in report.profiles
        ],
        word_of=_word,
        figure=_figure,
        missing=[
            (PROOFS.get(one.id) or TITLES.get(one.id, one.id), one.why.removesuffix(f": {TITLES.get(one.id)}"))
            for one in report.missing_for_service
        ],
    )


def _about(report: Report) -> list[tuple[str, str]]:
    gate, software, key = report.gate, report.software, report.key
    models = ", ".join(f"{one.name} {one.version}" for one in software.models)
    return [
        ("Gate", gate.id),
        ("Operator", gate.operator),
        ("Log", gate.origin),
        ("Purpose", f"{gate.purpose}, mode {gate.mode}"),
        ("Set up by", report.by),
        ("Report made", report.made_at),
        ("Software", f"portcullis {software.portcullis}, Python {software.python}, {software.system}"),
        ("Models", models),
        ("Configuration", f"{report.configuration.path}, digest {report.configuration.digest or 'none'}"),
        ("Log's public key", key.vkey),
        ("Its fingerprint", key.fingerprint),
        ("Auditors", ", ".join(report.auditors)),
        *([("Its key for consoles", report.console_key)] if report.console_key else []),
    ]


def _word(line: Line) -> str:
    return VERIFIED[line.verified] if line.state == "done" else STATES[line.state]


def _figure(step: str, name: str, value: object) -> str:
    """One figure in words, with its unit."""
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
