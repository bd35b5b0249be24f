"""What `gate provision` is given and cannot work with: one line, the step to repeat, nothing half done."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import resource
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyrage
import pytest
import tomli_w
from central_fakes.process import KEPT, serving
from core_fakes.killing import killed_at, refused
from fakes.small_gate import NOTICE
from typer.testing import CliRunner

from gate.channel.message import Status
from gate.cli.models import default_folder
from gate.cli.provision import app
from gate.programs.shared.config import Config, load
from gate.programs.shared.status import serve_status
from gate.provision.progress import Store
from gate.provision.proofs import rests_on
from gate.provision.steps import NEEDED, TITLES, Outcome, StepError, StepState, Verified
from gate_central.commands.central import app as central_app

AUDITORS = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]
SKIPPED = {step: "not in this test" for step in TITLES if step not in NEEDED}
ANSWERS = {
    "by": "Anna Example",
    "operator": "border.example",
    "gate_id": "try-1",
    "purpose": "trial",
    "auditors": AUDITORS,
    "swipe": {"port": "/dev/none"},
    "camera": {"address": "https://127.0.0.1:9/stream", "link": "ab" * 32},
    "skip": SKIPPED,
}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "answers.toml"
    path.write_text(tomli_w.dumps({**ANSWERS, **changes}))
    return path


def provision(answers: Path, root: Path, *more: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--answers", str(answers), "--root", str(root), *more])
    assert "Traceback" not in done.stderr
    return done.exit_code, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A bare folder that borrows the models that are there already."""
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "models").symlink_to(default_folder())
    return tmp_path / "gate"


def test_a_missing_file_is_74_and_a_wrong_one_65_with_its_line(tmp_path: Path, root: Path) -> None:
    code, said = provision(tmp_path / "none.toml", root)
    assert (code, "cannot read" in said) == (74, True)
    code, said = provision(written(tmp_path, prupose="trial"), root)
    assert code == 65
    assert "answers.toml:" in said
    assert "prupose" in said
    assert not (root / "gate.toml").exists()


@pytest.mark.parametrize(
    ("changes", "key"), [({"officers": ""}, "officers"), ({"barrier": {"port": ""}}, "barrier.port")], ids=str
)
def test_an_answer_that_is_empty_is_65_with_its_line(
    tmp_path: Path, root: Path, changes: dict[str, object], key: str
) -> None:
    """A shell that had nothing to put there; without officers nobody is admitted, without a barrier the gate only watches."""
    answers = written(tmp_path, **changes)
    (line,) = [at for at, text in enumerate(answers.read_text().splitlines(), 1) if text.endswith('= ""')]
    code, said = provision(answers, root)
    assert (code, f"answers.toml:{line}: {key}: is empty: write what it is, or leave the key out" in said) == (65, True)
    assert not (root / "gate.toml").exists()


def test_without_a_terminal_answers_are_needed(root: Path) -> None:
    done = CliRunner().invoke(app, ["--root", str(root)])
    assert done.exit_code == 2
    assert "give it --answers FILE" in done.stderr


def test_a_step_that_there_is_not_cannot_be_repeated(tmp_path: Path, root: Path) -> None:
    code, said = provision(written(tmp_path), root, "--again", "dance")
    assert code == 2
    assert "there is no such step; there are configuration" in said


def test_a_folder_that_is_a_file_is_74(tmp_path: Path) -> None:
    (tmp_path / "gate").write_text("no folder")
    code, said = provision(written(tmp_path), tmp_path / "gate")
    assert code == 74
    assert "Not a directory" in said


def test_a_folder_that_is_a_loop_of_links_is_74(tmp_path: Path) -> None:
    (tmp_path / "gate").symlink_to("gate")
    code, said = provision(written(tmp_path), tmp_path / "gate")
    assert code == 74
    assert "Too many levels of symbolic links" in said


def test_a_configuration_that_cannot_work_is_78_and_nothing_of_it_stays(tmp_path: Path, root: Path) -> None:
    code, _ = provision(written(tmp_path, purpose="service", notice=NOTICE, barrier={"port": "/dev/nobody"}), root)
    assert code == 78
    assert not (root / "gate.toml").exists()
    assert Store(root / "state/provision").outcomes["configuration"].state is StepState.FAILED


def test_no_gate_is_made_for_service_before_it_is_said_how_long_results_are_kept(tmp_path: Path, root: Path) -> None:
    code, said = provision(written(tmp_path, purpose="service"), root)
    assert (code, "notice.results_kept_days: say for how many days results are kept" in said) == (65, True)
    assert provision(written(tmp_path, notice=NOTICE), root)[0] == 0
    path = root / "gate.toml"
    text = path.read_text()
    path.write_text(text.replace('"trial"', '"service"').replace("results_kept_days = 30\n", ""))
    for program in ("lane", "log"):
        command = [sys.executable, "-m", "gate.cli", "run", program, "--config", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (78, 1)
        assert "notice.results_kept_days: purpose = service refuses: results_kept_days is missing" in done.stderr


@pytest.mark.parametrize("words", [(), ("--verify", "report.html")], ids=["make", "verify"])
def test_a_report_names_what_is_wrong_with_the_configuration_by_key_and_line(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = tmp_path / "gate.toml"
    arguments = ["report", "--config", str(path), *words]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, f"{path}: cannot be read: No such file or directory" in done.stderr) == (74, True)
    path.write_text('purpose = "trial"\noperator = "border.example"\n\ngate_id = "Gate 1"\n')
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, f"{path}:4: gate_id: " in done.stderr) == (78, True)
    assert "audit: is missing" in done.stderr


def test_a_proof_of_another_gate_or_with_other_settings_is_signed_as_missing(tmp_path: Path, root: Path) -> None:
    """As a folder of proofs holds them whose gate was made anew under another id, or with another port."""
    assert provision(written(tmp_path), root)[0] == 0
    path = root / "gate.toml"
    store = Store(root / "state/provision")
    proof = Outcome(
        state=StepState.DONE,
        detail="it answers",
        verified=Verified.HARDWARE,
        pictures=(("a hall", b"JPEG"),),
        basis=rests_on("swipe", load(path), store.answers),
    )
    store.keep("swipe", proof)
    assert reported(path) == ("done", "it answers", "hardware", 1, [])
    path.write_text(path.read_text().replace("/dev/none", "/dev/nowhere"))
    why = "was done with another [swipe]: do it again"
    assert reported(path) == ("not_done", why, "not_verified", 0, [f"{why}: {TITLES['swipe']}"])
    shutil.rmtree(root / "keys")
    answers = written(tmp_path, gate_id="north-7")
    path.unlink()
    again = CliRunner().invoke(app, ["--answers", str(answers), "--root", str(root)])
    assert again.exit_code == 0
    store.keep("swipe", proof)
    why = "was done for border.example/try-1: do it again"
    assert reported(path) == ("not_done", why, "not_verified", 0, [f"{why}: {TITLES['swipe']}"])


def test_again_while_the_lane_runs_is_75_and_the_proof_stays(tmp_path: Path, short_path: Path) -> None:
    root = short_path / "gate"
    root.mkdir()
    (root / "models").symlink_to(default_folder())
    assert provision(written(tmp_path), root)[0] == 0
    path = root / "gate.toml"
    store = Store(root / "state/provision")
    basis = rests_on("swipe", load(path), store.answers)
    store.keep("swipe", proof := Outcome(state=StepState.DONE, detail="it answers", basis=basis))
    skip = {step: why for step, why in SKIPPED.items() if step != "swipe"}
    with lane_that_runs(load(path)):
        code, said = provision(written(tmp_path, skip=skip), root, "--again", "swipe")
    assert code == 75
    assert said == (
        "gate: swipe: the lane program has the devices: stop it (systemctl stop portcullis.target), then repeat"
    )
    assert Store(root / "state/provision").outcomes["swipe"] == proof


@contextlib.contextmanager
def lane_that_runs(config: Config) -> Iterator[None]:
    """Somebody who answers for the lane, while the command runs its own loop."""
    config.runtime("lane").mkdir(parents=True)
    ready, over = threading.Event(), threading.Event()

    async def answer() -> None:
        async with serve_status(config, "lane", lambda: Status("lane", "ready", {})):
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(answer()))
    thread.start()
    assert ready.wait(30)
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_from_trial_to_service_takes_another_log_key_which_is_told_before(tmp_path: Path, root: Path) -> None:
    assert provision(written(tmp_path, notice=NOTICE), root)[0] == 0
    path, state = root / "gate.toml", root / "state/provision"
    (told,) = missing(path, "log_key")
    assert told.startswith("there is no key of the log border.example/try-1: a gate in service begins a log of its own")
    path.write_text(path.read_text().replace('"trial"', '"service"'))
    answers = written(tmp_path, purpose="service", notice=NOTICE)
    assert provision(answers, root)[0] == 74
    refused = Store(state).outcomes["log_key"].detail
    assert "log.key is a key of border.example/try-1/trial, not of border.example/try-1; " in refused
    assert told in missing(path, "log_key")
    (root / "keys").rename(root / "trial-keys")
    assert provision(answers, root)[0] == 0
    assert missing(path, "log_key") == []


def test_a_proof_that_is_asked_for_anew_is_missing_once_whether_its_step_was_done_or_not(
    tmp_path: Path, root: Path
) -> None:
    assert provision(written(tmp_path), root)[0] == 0
    path = root / "gate.toml"
    store = Store(root / "state/provision")
    for step in ("clock", "lists"):
        (now,) = missing(path, step)
        store.keep(step, Outcome(state=StepState.SKIPPED, detail="no network here"))
        assert missing(path, step) == [now]


def missing(path: Path, step: str) -> list[str]:
    done = CliRunner().invoke(app, ["report", "--config", str(path), "--json"])
    return [one["why"] for one in json.loads(done.stdout)["missing_for_service"] if one["id"] == step]


def reported(path: Path) -> tuple[str, str, str, int, list[str]]:
    """Of the step swipe: state, detail, on what it was verified, pictures, and why it is missing for service."""
    done = CliRunner().invoke(app, ["report", "--config", str(path), "--json"])
    assert done.exit_code == 0, done.output
    signed = json.loads(Path(json.loads(done.stdout)["report"]["document"]).read_text())["report"]
    (line,) = [one for one in signed["lines"] if one["id"] == "swipe"]
    missing = [
        one["why"] for one in signed["missing_for_service"] if one["id"] == "swipe" and "profile" not in one["why"]
    ]
    return line["state"], line["detail"], line["verified"], len(signed["pictures"]), missing


@pytest.mark.long
def test_a_full_disk_names_the_step_to_repeat_and_it_goes_on_there(tmp_path: Path, root: Path) -> None:
    answers = written(tmp_path)
    command = [sys.executable, "-m", "gate.cli", "provision", "--answers", str(answers), "--root", str(root)]
    limit = 6_000  # bytes of one file: the state outgrows them after some steps

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    stopped = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=small, timeout=120)
    last = [line for line in stopped.stderr.splitlines() if line.startswith("gate: ")][-1]
    assert stopped.returncode == 74
    assert "cannot write" in last
    assert "Repeat " in last
    assert not list(root.rglob(".tmp-*"))
    kept = Store(root / "state/provision").outcomes
    step = last.split("Repeat ")[1].split(":")[0]
    assert kept
    assert step not in kept
    again = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, timeout=120)
    assert again.returncode == 0
    assert next(one for one in json.loads(again.stdout)["steps"] if one["id"] == step)["state"] in {"done", "skipped"}


def test_an_outcome_is_kept_whole_or_not_at_all_wherever_a_kill_falls(tmp_path: Path) -> None:
    for step in range(1, 40):
        store = Store(tmp_path / str(step))
        store.keep("clock", Outcome(state=StepState.DONE, detail="before"))
        killed = killed_at(step, partial(store.keep, "clock", Outcome(state=StepState.DONE, detail="after")))
        assert Store(tmp_path / str(step)).outcomes["clock"].detail in {"before", "after"}
        if not killed:
            assert step > 3
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("at", ["fsync", "rename"])
def test_a_disk_that_takes_nothing_leaves_the_outcomes_as_they_were(tmp_path: Path, at: str, reason: int) -> None:
    Store(tmp_path).keep("clock", Outcome(state=StepState.DONE, detail="before"))

    def write() -> None:
        try:
            Store(tmp_path).keep("clock", Outcome(state=StepState.DONE, detail="after"))
        except StepError as error:
            raise OSError(str(error)) from error

    said = refused(write, at=at, reason=reason)
    assert f"cannot write {tmp_path / 'provision.json'}" in said
    assert Store(tmp_path).outcomes["clock"].detail == "before"


@pytest.mark.long
def test_a_token_that_was_used_enrols_nobody_and_changes_nothing(tmp_path: Path, root: Path) -> None:
    central, token = tmp_path / "central", tmp_path / "token"
    run = CliRunner().invoke
    assert run(central_app, ["init", "--dir", str(central), "--name", "127.0.0.1", *KEPT]).exit_code == 0
    token.write_text(run(central_app, ["token", "try-1", "--dir", str(central)]).stdout)
    with serving(central) as port:
        table = {"address": f"127.0.0.1:{port}", "ca": str(central / "ca.pem"), "token_file": str(token)}
        skip = {step: why for step, why in SKIPPED.items() if step != "enrolment"}
        answers = written(tmp_path, central=table, skip=skip)
        assert provision(answers, root)[0] == 0
        assert "sync" in tomllib.loads((root / "gate.toml").read_text())
        other = tmp_path / "other"
        other.mkdir()
        (other / "models").symlink_to(default_folder())
        code, _ = provision(answers, other)
        outcome = Store(other / "state/provision").outcomes["enrolment"]
        assert (code, outcome.state) == (1, StepState.FAILED)
        assert "403" in outcome.detail
        assert "sync" not in tomllib.loads((other / "gate.toml").read_text())
        assert not list((other / "keys").glob("*.pem"))


@pytest.mark.parametrize("address", ["127.0.0.1", "https://central.example:8443", "central.example:", "a:b", ":8443"])
def test_a_central_server_is_named_by_host_and_port(address: str) -> None:
    done = CliRunner().invoke(app, ["enrol", "--central", address, "--ca", "ca.pem"])
    assert done.exit_code == 2
    assert done.stderr.strip() == f"gate: --central {address!r}: give HOST:PORT, such as central.example:8443"
