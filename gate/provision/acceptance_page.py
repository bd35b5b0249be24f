"""The acceptance report as a page: one file without script, font or address, for paper and for a phone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from gate.provision.acceptance import Line, Missing, Picture, Profile, Report
from gate.provision.steps import TITLES

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
_STYLE: Final = """
@page { margin: 15mm }
* { box-sizing: border-box }
body { font: 16px/1.45 system-ui, sans-serif; color: #111; background: #fff; margin: 0 auto; max-width: 60rem; padding: 1rem }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .25rem }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 2px solid #111 }
dl { display: grid; grid-template-columns: minmax(7rem, 12rem) 1fr; gap: .15rem 1rem; margin: 0 }
dt { color: #444 }
dd { margin: 0; overflow-wrap: anywhere }
.sum { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 1rem 0; list-style: none }
.sum li { border: 1px solid #111; padding: .3rem .7rem }
.sum b { font-size: 1.2rem }
.step { border-top: 1px solid #bbb; padding: .5rem 0; break-inside: avoid }
.step p { margin: .15rem 0; overflow-wrap: anywhere }
.head { display: flex; flex-wrap: wrap; gap: .2rem .8rem; justify-content: space-between; align-items: baseline }
.mark { font-weight: 700; white-space: nowrap }
.hardware::before { content: "\\2714\\00a0" }
.simulator::before { content: "\\25cb\\00a0" }
.not_verified::before { content: "\\2716\\00a0" }
.words { margin-bottom: 1rem }
.words dt { font-weight: 700 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #eee; padding: .5rem }
.small, .figures { color: #444; font-size: .875rem }
figure { margin: 1rem 0; break-inside: avoid }
img { max-width: 100%; height: auto; border: 1px solid #bbb }
.sign { margin-top: 3rem; display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 2.5rem 2rem }
.sign div { border-top: 1px solid #111; padding-top: .2rem }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr } dt { margin-top: .3rem } }
@media print { body { font-size: 10.5pt; padding: 0; max-width: none } }
"""


def page(report: Report) -> str:
    """The whole page. The same report always gives the same page."""
    gate = report.gate
    title = f"Acceptance report: {gate.id}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(report.verdict)}</p>",
        _sums(report.lines),
        _facts("The gate", _about(report)),
        _profiles(report.profiles),
        _check(report),
        "<h2>Step by step</h2>",
        _legend(report.lines),
        *(_step(line) for line in report.lines),
        _missing(report.missing_for_service),
        *_pictures(report.pictures),
        '<div class="sign"><div>Technician, date</div><div>For the operator, date</div></div>',
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part)


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


def _facts(title: str, facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    return f"<h2>{escape(title)}</h2><dl>{rows}</dl>"


def _sums(lines: Iterable[Line]) -> str:
    counts: dict[str, int] = {}
    for line in lines:
        counts[_word(line)] = counts.get(_word(line), 0) + 1
    return '<ul class="sum">' + "".join(f"<li><b>{n}</b> {escape(word)}</li>" for word, n in counts.items()) + "</ul>"


def _profiles(profiles: Iterable[Profile]) -> str:
    rows = [
        (DEVICES.get(one.device, one.device), f"{', '.join(filter(None, (one.driver, one.profile)))}: {one.said}")
        for one in profiles
    ]
    return _facts("Devices", rows)


def _check(report: Report) -> str:
    """How whoever holds this page knows that nobody has changed it."""
    name = escape(report.gate.id)
    return (
        "<h2>Is this page as the gate signed it?</h2>"
        f"<p>On any machine that has the gate's software, with the file {name}.vkey that each auditor was given:</p>"
        f"<pre>gate provision report --verify acceptance.html --vkey {name}.vkey</pre>"
        "<p>It says <i>well</i> (exit code 0), or <i>WRONG</i> (1) when a byte of this page was changed or another key has signed it. The file's key "
        "is the right one when its fingerprint is the one above, by what you heard from the technician. A printed page shows no signature.</p>"
    )


def _legend(lines: Iterable[Line]) -> str:
    words = dict.fromkeys(_word(line) for line in lines)
    rows = "".join(f"<dt>{escape(word)}</dt><dd>{escape(MEANINGS[word])}</dd>" for word in words)
    return f'<dl class="small words">{rows}</dl>'


def _word(line: Line) -> str:
    return VERIFIED[line.verified] if line.state == "done" else STATES[line.state]


def _step(line: Line) -> str:
    kind = line.verified if line.state == "done" else "not_verified"
    figures = "; ".join(_figure(line.id, name, value) for name, value in line.figures.items() if value is not None)
    at = f", at {escape(line.at)}, took {line.took_ms / 1000:.1f} s" if line.at else ""
    return (
        f'<div class="step"><div class="head"><b>{escape(line.title)}</b>'
        f'<span class="mark {escape(kind)}">{escape(_word(line))}</span></div>'
        + (f"<p>{escape(line.detail)}</p>" if line.detail else "")
        + (f'<p class="figures">{escape(figures)}</p>' if figures else "")
        + f'<p class="small">Step {escape(line.id)}{at}</p></div>'
    )


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


def _missing(missing: Iterable[Missing]) -> str:
    rows = [
        (PROOFS.get(one.id) or TITLES.get(one.id, one.id), one.why.removesuffix(f": {TITLES.get(one.id)}"))
        for one in missing
    ]
    if not rows:
        return "<h2>Missing for service</h2><p>Nothing that this report could know of.</p>"
    return _facts("Missing for service", rows)


def _pictures(pictures: Iterable[Picture]) -> Iterable[str]:
    shown = list(pictures)
    if shown:
        yield "<h2>Pictures</h2>"
    for one in shown:
        caption = escape(one.caption)
        yield (
            f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{escape(one.jpeg)}">'
            f'<figcaption class="small">{caption} (step {escape(one.id)})</figcaption></figure>'
        )
