"""The acceptance report: what it says, and that a changed byte of it is found."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gate.provision.acceptance import NoReportError, Report, claimed, line, page, signed
from gate.provision.steps import Outcome, StepState, Verified
from gate_core.audit_format.note import Signer

ORIGIN = "border.example/north-7/trial"


def report(**changes: Any) -> Report:
    done = Outcome(
        state=StepState.DONE,
        detail="one <passage>",
        verified=Verified.SIMULATOR,
        figures={"leaf_ms": 600},
        at="2026-11-27T08:00:00Z",
    )
    fields = {
        "gate": {
            "id": "north-7",
            "operator": "border.example",
            "origin": ORIGIN,
            "purpose": "trial",
            "mode": "gate",
            "time_zone": "UTC",
        },
        "by": "Anna <b>",
        "made_at": "2026-11-27T09:00:00Z",
        "software": {
            "portcullis": "1",
            "python": "3.11",
            "system": "Linux",
            "models": [{"name": "m", "version": "1", "sha256": "0"}],
        },
        "configuration": {"path": "/etc/gate.toml", "digest": "0" * 64},
        "profiles": [{"device": "barrier", "driver": "modbus", "profile": "lot", "said": "not tried"}],
        "key": {"vkey": "v", "fingerprint": "f"},
        "auditors": ["age1a"],
        "verdict": "1 of 2 steps done",
        "lines": [line("walk_entry", "One walks", done), line("tailgate", "Two walk", None)],
        "missing_for_service": [{"id": "approval", "why": "nobody"}],
        "pictures": [{"id": "camera_exposure", "caption": "A hall", "jpeg": base64.b64encode(b"\xff\xd8").decode()}],
        **changes,
    }
    return msgspec.convert(msgspec.to_builtins(fields), Report)


SIGNER = Signer.generate(ORIGIN)


def page_of(**changes: Any) -> bytes:
    made = report(**changes)
    return signed(made, page(made), SIGNER)[0]


def document_of(**changes: Any) -> bytes:
    made = report(**changes)
    return signed(made, page(made), SIGNER)[1]


def test_both_files_hold_and_name_their_log() -> None:
    for content in (page_of(), document_of()):
        found = claimed(content)
        assert (found.holds, found.origin) == (True, ORIGIN)
        assert found.is_signed(SIGNER.verifier.vkey)
        assert not found.is_signed(Signer.generate(ORIGIN).verifier.vkey)


@pytest.mark.parametrize("made", [page_of, document_of])
def test_every_changed_word_is_found(made: Callable[[], bytes]) -> None:
    content = made()
    changed = content.replace(b"Anna", b"Enna")
    assert changed != content
    assert not claimed(changed).holds
    assert not claimed(changed).is_signed(SIGNER.verifier.vkey)


def test_what_stands_behind_the_note_is_no_report() -> None:
    with pytest.raises(NoReportError, match="behind"):
        claimed(page_of() + b"<script>alert(1)</script>")


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"{}", b"[1]", b"<html></html>", b'{"schema":"x","report":{},"note":"n"}']
)
def test_other_files_are_no_reports(content: bytes) -> None:
    with pytest.raises(NoReportError):
        claimed(content)


def test_the_note_is_no_checkpoint() -> None:
    assert not claimed(document_of()).note.startswith(ORIGIN)


def test_what_was_not_done_reads_not_verified_whatever_it_was_tried_on() -> None:
    for state in (StepState.FAILED, StepState.SKIPPED):
        assert (
            line("fire", "Fire", Outcome(state=state, detail="", verified=Verified.HARDWARE)).verified == "not_verified"
        )
    assert line("fire", "Fire", None).verified == "not_verified"


def test_the_page_is_one_file_that_shows_words_as_words() -> None:
    html = page_of().decode()
    assert "Anna &lt;b&gt;" in html
    assert "one &lt;passage&gt;" in html
    assert "on a simulator" in html
    assert "verified on hardware" not in html
    assert "data:image/jpeg;base64," in html
    assert not any(word in html for word in ("<script", "http://", "https://", "<link"))


def test_the_page_speaks_to_people_and_says_how_it_is_checked() -> None:
    figures: dict[str, Any] = {"spread_ms": 50, "leaf_open_after_ms": 643, "gain": 0.5, "eye_distance_px": 94.0}
    done = Outcome(state=StepState.DONE, detail="", figures=figures)
    html = page_of(
        lines=[line("camera_lag", "How late", done), line("approval", "Two persons have approved", done)],
        missing_for_service=[
            {"id": "parts", "why": "barrier.port: simulated"},
            {"id": "fire", "why": "not done: The fire input opens the leaf, and the emergency ends"},
        ],
        profiles=[{"device": "chip", "driver": "pcsc", "profile": "", "said": "a real device"}],
    ).decode()
    assert (
        "in repetitions within 50 ms of each other; leaf open after 643 ms; seen at 0.5 times its strength; eye distance 94 pixels"
        in html
    )
    assert "<dt>A simulated part</dt><dd>barrier.port: simulated</dd>" in html
    assert "<dt>The fire input opens the leaf, and the emergency ends</dt><dd>not done</dd>" in html
    assert "<dt>Chip reader</dt><dd>pcsc: a real device</dd>" in html
    assert "gate provision report --verify acceptance.html --vkey north-7.vkey" in html
    assert "<dt>done, no device</dt><dd>the step was done; no device has a part in it</dd>" in html


def test_the_document_is_json_for_machines() -> None:
    whole = json.loads(document_of())
    assert whole["report"]["lines"][0]["figures"] == {"leaf_ms": 600}
