"""docs/guides/driver.md, run as it stands there by an integrator who has the gate's distributions and no network."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes.roots import ROOT, SOURCES

from gate_core.ports import drivers, registers

EXAMPLE = ROOT / "docs/examples/ascii-gate"
GUIDE = ROOT / "docs/guides/driver.md"
DEADLINE_S = 600.0


def commands() -> str:
    """The guide's commands, as one script."""
    return "".join(re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with the documents, and the environment: the plugin is installed, the command is there."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "docs").symlink_to(ROOT / "docs")
    (folder / "bin").mkdir()
    for name, runs in {"gate": f'{sys.executable} -m gate.cli "$@"', "python": f'{sys.executable} "$@"'}.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\nexec {runs}\n")
        (folder / "bin" / name).chmod(0o755)
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment = {**os.environ, **offline, "PYTHONDONTWRITEBYTECODE": "1"}
    plugin = folder / "plugin"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", plugin, ROOT / "contract"],
        env=environment,
        check=True,
        timeout=DEADLINE_S,
    )
    places = [plugin, *(ROOT / place for place in SOURCES if place != "contract/src")]
    environment["PYTHONPATH"] = os.pathsep.join(map(str, places))
    environment["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
    return folder, environment


def test_every_command_works_as_written(desk: tuple[Path, dict[str, str]]) -> None:
    folder, environment = desk
    before = subprocess.run(("git", "status", "--porcelain"), cwd=ROOT, capture_output=True, check=True).stdout
    done = subprocess.run(
        ["bash", "-ec", commands()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert any(re.search(r"\b\d+ passed in", line) for line in said), "the contract's tests"
    assert sum("which the configuration does not name yet" in line for line in said) == 2, "barrier and register"
    assert any(re.match(r"well; digest [0-9a-f]{64}$", line) for line in said), "the check"
    assert re.search(
        r"^well +barrier +ASCII gate, closed; 0 .* this driver was not tried on a real board  \(\d+ ms\)$",
        done.stdout,
        re.MULTILINE,
    )
    (hash_line,) = [line for line in said if re.match(r"[0-9a-f]{64}  -$", line)]
    assert f"has files with the hash {hash_line[:64]}, which" in done.stdout, (
        "standard tools print what the gate prints"
    )
    assert "Answer(answer=<RegisterAnswer.HIT: 'hit'>" in done.stdout, "the register"
    after = subprocess.run(("git", "status", "--porcelain"), cwd=ROOT, capture_output=True, check=True).stdout
    assert after == before, "no edit in the tree"


def test_the_example_imports_only_what_is_public() -> None:
    public = [drivers, registers]
    names = {module.__name__: set(module.__all__) for module in public}
    for file in EXAMPLE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("gate", "drivers", "models")):
                taken = {one.name for one in node.names}
                assert node.module in names or str(node.module).startswith("gate_contract."), file
                assert taken <= names.get(str(node.module), taken), file


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_simulated_board_replaces_a_stale_line_and_takes_its_own_away(tmp_path: Path, ending: int) -> None:
    line = tmp_path / "line"
    line.symlink_to(tmp_path / "gone")
    path = os.pathsep.join(map(str, (EXAMPLE / "src", ROOT / "core/src")))
    with subprocess.Popen(
        [sys.executable, EXAMPLE / "tests/board.py", line],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stderr=subprocess.DEVNULL,
    ) as board:
        until_s = time.monotonic() + DEADLINE_S
        while not line.exists():
            assert board.poll() is None
            assert time.monotonic() < until_s
            time.sleep(0.02)
        board.send_signal(ending)
        board.wait(DEADLINE_S)
    assert not line.is_symlink()


def test_wrong_settings_are_said_with_file_key_and_line(desk: tuple[Path, dict[str, str]]) -> None:
    folder, environment = desk
    config = folder / "my-gate" / "gate.toml"
    text = config.read_text().replace("baud = 9600", "boud = 9600")
    wrong = config.with_name("wrong.toml")
    wrong.write_text(text)
    line = text.splitlines().index("boud = 9600") + 1
    done = subprocess.run(
        ["gate", "config", "check", "--config", wrong],
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stdout.count("\n")) == (78, 1), done.stdout
    assert f"wrong.toml:{line}: barrier.code.settings.boud: unknown setting; is baud meant?" in done.stdout
