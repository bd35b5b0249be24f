"""A gate's log that comes to central on a stick: what is taken, what is refused, and the receipt that goes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from central_fakes.process import KEPT, registered
from central_fakes.server import GATE_ID
from core_fakes.sealed_log import SealedLog, crossing
from typer.testing import CliRunner

from gate_central.commands.central import app as central
from gate_core.audit_format.checkpoint import read_checkpoint
from gate_core.audit_format.export import Outlet, tiles
from gate_core.audit_format.note import Verifier
from gate_verify.verify import verify

RUNNER = CliRunner()


class StickTransfer:
    """A gate without a line, a central server, and who walks between them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.central = folder, folder / "central"
        RUNNER.invoke(central, ["init", "--dir", str(self.central), "--name", "127.0.0.1", *KEPT])
        self.log, self.travellers = SealedLog(folder / "gate"), 0
        registered(self.central, GATE_ID, self.log.signer.verifier, "f" * 64)

    def grow(self, travellers: int) -> None:
        batches = [crossing(f"c{self.travellers + one}") for one in range(travellers)]
        self.travellers += travellers
        self.log.write([one for batch in batches for one in batch])

    def stick(self, name: str) -> Path:
        """As `gate sync export-usb` writes one."""
        tiles(Outlet(self.log.spool), self.folder / name)
        return self.folder / name

    def bring(self, stick: Path, *more: str, code: int = 0) -> dict[str, Any]:
        done = RUNNER.invoke(central, ["import", str(stick), "--dir", str(self.central), *more, "--json"])
        assert done.exit_code == code, done.output
        return dict(json.loads(done.stdout)) if code == 0 else {"said": done.stderr}

    def told(self, *words: str, code: int = 0) -> dict[str, Any]:
        done = RUNNER.invoke(central, [*words, "--dir", str(self.central), "--json"])
        assert done.exit_code == code, done.output
        return dict(json.loads(done.stdout))


@pytest.fixture
def transfer(tmp_path: Path) -> StickTransfer:
    return StickTransfer(tmp_path)


def test_a_log_is_taken_from_a_stick_and_its_receipt_goes_back(transfer: StickTransfer) -> None:
    transfer.grow(60)  # more than one piece
    receipt = transfer.folder / "receipt.note"
    taken = transfer.bring(transfer.stick("one"), "--receipt", str(receipt))
    assert (taken["gate"], taken["new"], taken["entries"]) == (GATE_ID, 300, 300)
    mirror = Verifier.parse((transfer.central / "mirror.vkey").read_text().strip())
    assert read_checkpoint(receipt.read_bytes(), transfer.log.signer.verifier, mirror).size == 300
    transfer.told("export", GATE_ID, "--out", str(transfer.folder / "out"))
    report = verify(transfer.folder / "out", transfer.log.vkey)
    assert (report.verified, report.entries, report.bodies, report.erased) == (True, 300, 300, 0)
    acts = transfer.told("acts")["acts"]
    assert [one["fields"]["entries"] for one in acts if one["kind"] == "log_carried_in"] == [300]


def test_a_second_stick_brings_what_is_new_and_the_same_one_nothing(transfer: StickTransfer) -> None:
    transfer.grow(2)
    old = transfer.stick("one")
    assert transfer.bring(old)["new"] == 10
    assert transfer.bring(old)["new"] == 0
    transfer.grow(3)
    assert transfer.bring(transfer.stick("two"))["new"] == 15
    late = transfer.bring(old)
    assert (late["new"], late["entries"]) == (0, 25)
    assert transfer.told("alarms", GATE_ID)["alarms"] == [], "an older stick that comes late is no log that went back"


@pytest.mark.parametrize(("travellers", "kind"), [(1, "fork"), (2, "fork"), (3, "inconsistent")])
def test_another_history_is_refused_and_kept_as_evidence(transfer: StickTransfer, travellers: int, kind: str) -> None:
    transfer.grow(2)
    transfer.bring(transfer.stick("one"))
    fork = SealedLog(transfer.folder / "fork", transfer.log.signer)
    fork.write(*(crossing(f"x{one}") for one in range(travellers)))
    assert "another log" in transfer.bring(fork.spool, code=1)["said"]
    assert {one["kind"] for one in transfer.told("alarms", GATE_ID, code=1)["alarms"]} == {kind}


@pytest.mark.parametrize(("harm", "code"), [("nothing", 74), ("stranger", 2), ("other key", 65), ("piece", 65)])
def test_what_cannot_be_taken_is_said_in_one_line(transfer: StickTransfer, harm: str, code: int) -> None:
    transfer.grow(2)
    stick = transfer.stick("one")
    match harm:
        case "nothing":
            stick = transfer.folder / "empty"
            stick.mkdir()
        case "stranger":
            (transfer.central / "central.sqlite").unlink()
        case "other key":
            transfer = StickTransfer(transfer.folder / "elsewhere")
        case _:
            shutil.rmtree(stick / "tile")
    said = transfer.bring(stick, code=code)["said"]
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["checkpoint", "tile/entries/000.p/10", "sealed/000.p/10", "keys"])
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_lies_on_a_stick_and_is_no_ordinary_file_is_refused_and_not_waited_for(
    transfer: StickTransfer, name: str, kind: str
) -> None:
    transfer.grow(2)
    stick = transfer.stick("one")
    path = next(one for one in (stick / name).rglob("*") if one.is_file()) if name == "keys" else stick / name
    content = path.rename(transfer.folder / "elsewhere")
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(content)
    assert "no ordinary file" in transfer.bring(stick, code=65)["said"]


def test_a_log_that_is_taken_is_told_of_in_one_line_alone(transfer: StickTransfer) -> None:
    transfer.grow(2)
    command = ["central", "import", str(transfer.stick("one")), "--dir", str(transfer.central)]
    done = subprocess.run(
        [sys.executable, "-c", "from gate_core.command_line.main import main; main()", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
