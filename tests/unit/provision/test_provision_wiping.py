"""The end of a gate: in which order it is wiped, what a kill leaves, and that the proof finds what is still there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from core_fakes.killing import killed_at, refused

from gate.provision.decommission import Part, Progress, wiping_steps
from gate.provision.steps import LaterStepError, StepError, StepReport, StepState, carry_out
from gate_core.command_line.output import Exit

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
STEPS_MAX = 400
SECRET = "PRIVATE+KEY+gate+0a1b2c3d+" + "Q" * 44
WIPED = ("log_key", "device_key", "spool")


class Gate:
    """Folders with what is to be wiped, and what is not."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.told: list[str] = []
        self.why = ""
        for name in ("keys", "identity/1", "spool/tile"):
            (place / name).mkdir(parents=True)
        (place / "keys/log.key").write_text(SECRET + "\n")
        (place / "keys/other").write_text("stays")
        (place / "identity/1/device.pem").write_text("-----BEGIN PRIVATE KEY-----\n" + "R" * 64 + "\n-----END-----\n")
        (place / "identity/1/authorities.pem").write_text("-----BEGIN CERTIFICATE-----\n" + "C" * 64 + "\n")
        (place / "spool/tile/000").write_bytes(bytes(3_000_000))
        (place / "spool/link").symlink_to(place / "keys/other")
        os.mkfifo(place / "spool/pipe")

    @property
    def report(self) -> Path:
        return self.place / "report.json"

    @property
    def parts(self) -> tuple[Part, ...]:
        return (
            Part("log_key", (self.place / "keys/log.key",), secret=True),
            Part("device_key", (self.place / "identity",), secret=True),
            Part("spool", (self.place / "spool", self.place / "gone")),
        )

    def carry(self) -> str:
        if self.why:
            raise LaterStepError(self.why)
        self.told.append("carried")
        return "all of it is elsewhere"

    def tell(self) -> str:
        self.told.append("told")
        return "it is retired"

    def end(self) -> list[StepReport]:
        progress = Progress.read(self.report, "gate-1", "now", self.parts)
        roots = tuple(self.place / one for one in ("keys", "identity", "spool"))
        return list(
            carry_out(wiping_steps(self.parts, progress, self.report, roots=roots, carry=self.carry, tell=self.tell))
        )

    def is_wiped(self) -> bool:
        return not any(
            (self.place / one).exists() for one in ("keys/log.key", "identity/1", "spool/tile", "spool/link")
        )


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_it_is_carried_away_and_told_and_then_wiped_in_its_order_and_that_is_proven(gate: Gate) -> None:
    reports = gate.end()
    assert [one.id for one in reports] == ["records", "central", *WIPED, "proof"]
    assert {one.state for one in reports} == {StepState.DONE}
    assert gate.told == ["carried", "told"]
    assert gate.is_wiped()
    assert (gate.place / "keys/other").read_text() == "stays"
    told = json.loads(gate.report.read_text())
    assert told["done"] == list(WIPED)
    assert told["found"][str(gate.place / "identity")] == {
        "part": "device_key",
        "before": "2 files, 200 bytes",
        "after": "empty",
    }
    assert told["found"][str(gate.place / "gone")] == {"part": "spool", "before": "absent", "after": "absent"}
    assert (told["unsearched"], told["searched"].keys()) == ([], {"log_key", "device_key"})
    assert "flash" in told["remains"]
    assert "Q" * 44 not in gate.report.read_text()
    written = gate.report.read_bytes()
    again = gate.end()
    assert {one.state for one in again} == {StepState.KEPT}
    assert again[-1].detail == reports[-1].detail
    assert gate.report.read_bytes() == written


def test_a_gate_that_was_made_anew_is_not_taken_for_one_that_has_ended(gate: Gate) -> None:
    gate.end()
    written = gate.report.read_bytes()
    (gate.place / "keys/log.key").write_text(SECRET + "\n")
    with pytest.raises(StepError, match="tells of the end of gate-1 before; keep it elsewhere, move it away"):
        gate.end()
    assert (gate.report.read_bytes(), (gate.place / "keys/log.key").exists()) == (written, True)
    gate.report.unlink()
    assert {one.state for one in gate.end()} == {StepState.DONE}
    assert not (gate.place / "keys/log.key").exists()


@pytest.mark.parametrize("hidden", [SECRET.encode(), b"x" * (1024 * 1024 - 20) + b"Q" * 44, b"R" * 64])
def test_a_copy_of_a_key_that_is_left_anywhere_is_found(gate: Gate, hidden: bytes) -> None:
    """The control of the proof: also where it begins in one piece that is read and ends in the next."""
    (gate.place / "keys/other").write_bytes(hidden)
    proof = gate.end()[-1]
    assert (proof.state, proof.failure) == (StepState.FAILED, Exit.NO)
    assert "keys/other" in proof.detail


def test_a_public_certificate_is_no_secret(gate: Gate) -> None:
    (gate.place / "keys/other").write_text("C" * 64)
    assert gate.end()[-1].state is StepState.DONE


def test_nothing_is_wiped_before_the_records_are_elsewhere(gate: Gate) -> None:
    gate.why = "5 entries are on this machine only"
    reports = gate.end()
    assert (reports[0].failure, {one.state for one in reports[1:]}) == (Exit.TRY_LATER, {StepState.SKIPPED})
    assert (gate.place / "keys/log.key").read_text() == SECRET + "\n"
    assert gate.told == []
    gate.why = ""
    assert {one.state for one in gate.end()} == {StepState.DONE}


def test_what_is_wiped_is_overwritten_before_its_name_goes(gate: Gate) -> None:
    """Seen through a second name of the same file."""
    (gate.place / "second").hardlink_to(gate.place / "keys/log.key")
    gate.end()
    assert (gate.place / "second").read_bytes() == bytes(len(SECRET) + 1)


@pytest.mark.long
def test_a_kill_at_any_step_is_gone_on_from_and_the_order_holds(tmp_path: Path) -> None:
    for step in range(1, STEPS_MAX):
        gate = Gate(tmp_path / str(step))
        killed = killed_at(step, gate.end)
        is_there = [(gate.place / one).exists() for one in ("keys/log.key", "identity/1/device.pem", "spool/tile/000")]
        assert is_there == sorted(is_there)  # never the records before the keys
        reports = gate.end()
        assert reports[-1].state in {StepState.DONE, StepState.KEPT}, reports
        assert gate.is_wiped()
        told = json.loads(gate.report.read_text())
        assert set(told["done"]) == set(WIPED)
        assert set(told["unsearched"]) | set(told["searched"]) == {"log_key", "device_key"}
        if not killed:
            break
    assert not killed


def test_a_full_or_read_only_disk_is_one_line_and_is_gone_on_from(gate: Gate) -> None:
    def run() -> None:
        failed = [one for one in gate.end() if one.state is StepState.FAILED]
        raise OSError(failed[0].detail)

    assert "cannot write" in refused(run, at="rename")
    assert (gate.place / "keys/log.key").exists()
    assert gate.end()[-1].state is StepState.DONE


def test_a_report_that_is_none_is_not_overwritten(gate: Gate) -> None:
    gate.report.write_text("notes")
    with pytest.raises(StepError, match="move it away"):
        gate.end()
    assert gate.report.read_text() == "notes"
    Progress(gate_id="gate-2", started_at="then", done=["log_key"]).write(gate.report)
    with pytest.raises(StepError, match="end of gate-2"):  # another gate that this machine was
        gate.end()
    gate.report.unlink()
    assert gate.end()[-1].state is StepState.DONE
