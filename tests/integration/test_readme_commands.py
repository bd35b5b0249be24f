"""The commands of the README, each run as it stands there, one after another, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
SAYS_NO = "gate document inspect"  # the files alone do not prove that the chip is no copy
DEADLINE_S = 900.0


def lines_about_parts() -> list[str]:
    """The block that begins with the demo's samples."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    (block,) = (one for one in blocks if "--samples" in one)
    return [line.split("  #", 1)[0].strip() for line in block.splitlines()]


@pytest.mark.long
def test_every_command_runs_as_written(tmp_path: Path) -> None:
    commands = lines_about_parts()
    assert len(commands) > 6
    (tmp_path / "bin").mkdir()
    gate = tmp_path / "bin" / "gate"
    gate.write_text(f'#!/bin/sh\nexec {sys.executable} -m gate.cli "$@"\n')
    gate.chmod(0o755)
    script = "\n".join(f"{{ {line}\n}} >&2; echo $?" for line in commands)
    environment = {**os.environ, "PATH": f"{gate.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    ended = dict(zip(commands, map(int, done.stdout.split()), strict=True))
    assert ended == {line: int(line.startswith(SAYS_NO)) for line in commands}, done.stderr
    for wrong in ("Traceback", "No such file"):
        assert wrong not in done.stderr
