"""The acceptance report: what it says, and that a changed byte of it is found."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from gate.provision.acceptance import Files, NoReportError, claimed, line, unsigned
from gate.provision.acceptance_values import Report
from gate.provision.course import Ending, Outcome, Verified
from gate_core.audit_format.note import Note, Signer

ORIGIN = "border.example/north-7/trial"


def report(**changes: Any) -> Report:
    done = Outcome(
        state=Ending.DONE,
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
            "portcullis": "0.1.0",
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


def signed(**changes: Any) -> tuple[Files, Signer]:
    signer = Signer.generate(ORIGIN)
    whole = unsigned(report(**changes), origin=ORIGIN)
    note = Note(whole.note_text, (signer.sign(whole.note_text),)).to_bytes().decode()
    return whole.signed(note), signer


def test_both_files_hold_and_name_their_log() -> None:
    files, signer = signed()
    for content in (files.page, files.document):
        found = claimed(content)
        Note.parse(found.note.encode()).verify(signer.verifier)
        assert (found.holds, found.origin) == (True, ORIGIN)


@pytest.mark.parametrize("name", ["page", "document"])
def test_every_changed_word_is_found(name: str) -> None:
    files, _ = signed()
    content: bytes = getattr(files, name)
    changed = content.replace(b"Anna", b"Enna")
    assert changed != content
    assert not claimed(changed).holds


def test_what_stands_behind_the_note_is_no_report() -> None:
    files, _ = signed()
    with pytest.raises(NoReportError, match="behind"):
        claimed(files.page + b"<script>alert(1)</script>")


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"{}", b"[1]", b"<html></html>", b'{"schema":"x","report":{},"note":"n"}']
)
def test_other_files_are_no_reports(content: bytes) -> None:
    with pytest.raises(NoReportError):
        claimed(content)


def test_the_note_is_no_checkpoint() -> None:
    whole = unsigned(report(), origin=ORIGIN)
    assert not whole.note_text.startswith(ORIGIN)


def test_what_was_not_done_reads_not_verified_whatever_it_was_tried_on() -> None:
    for state in (Ending.FAILED, Ending.SKIPPED):
        assert (
            line("fire", "Fire", Outcome(state=state, detail="", verified=Verified.HARDWARE)).verified == "not_verified"
        )
    assert line("fire", "Fire", None).verified == "not_verified"


def test_the_page_is_one_file_that_shows_words_as_words() -> None:
    page = signed()[0].page.decode()
    assert "Anna &lt;b&gt;" in page
    assert "one &lt;passage&gt;" in page
    assert "on a simulator" in page
    assert "verified on hardware" not in page
    assert "data:image/jpeg;base64," in page
    assert not any(word in page for word in ("<script", "http://", "https://", "<link"))


def test_the_page_speaks_to_people_and_says_how_it_is_checked() -> None:
    figures: dict[str, Any] = {"spread_ms": 50, "leaf_open_after_ms": 643, "gain": 0.5, "eye_distance_px": 94.0}
    done = Outcome(state=Ending.DONE, detail="", figures=figures)
    page = signed(
        lines=[line("camera_lag", "How late", done), line("approval", "Two persons have approved", done)],
        missing_for_service=[
            {"id": "parts", "why": "barrier.port: simulated"},
            {"id": "fire", "why": "not done: The fire input opens the leaf, and the emergency ends"},
        ],
        profiles=[{"device": "chip", "driver": "pcsc", "profile": "", "said": "a real device"}],
    )[0].page.decode()
    assert (
        "in repetitions within 50 ms of each other; leaf open after 643 ms; seen at 0.5 times its strength; eye distance 94 pixels"
        in page
    )
    assert "<dt>A simulated part</dt><dd>barrier.port: simulated</dd>" in page
    assert "<dt>The fire input opens the leaf, and the emergency ends</dt><dd>not done</dd>" in page
    assert "<dt>Chip reader</dt><dd>pcsc: a real device</dd>" in page
    assert "gate provision report --verify acceptance.html --vkey north-7.vkey" in page
    assert "<dt>done, no device</dt><dd>the step was done; no device has a part in it</dd>" in page


def test_the_document_is_json_for_machines() -> None:
    whole = json.loads(signed()[0].document)
    assert whole["report"]["lines"][0]["figures"] == {"leaf_ms": 600}
