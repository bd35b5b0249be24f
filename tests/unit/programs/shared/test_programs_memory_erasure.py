"""Memory that is overwritten when it is freed: who gets that environment, and that it does what it is for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate.channel import child_messages, document_messages
from gate.programs.children.child_handle import ChildLostError, Process
from gate.programs.shared.supervisor import ERASING, PROGRAMS

ROOT = Path(__file__).resolve().parents[4]
# Makes a hundred strings that no literal holds, and drops them; then counts what is left in its own memory.
PROGRAM = """
import gc, random
dice = random.Random(7)
kept = ["".join(dice.choice("ABCDEFGH") for _ in range(44)) for _ in range(100)]
marks = [bytes(character ^ 1 for character in one.encode()) for one in kept]
del kept
gc.collect()
found = 0
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for place in [line.split() for line in maps if "rw-p" in line and "[v" not in line]:
        begin, end = (int(part, 16) for part in place[0].split("-"))
        memory.seek(begin)
        held = bytearray(memory.read(end - begin))
        for at in range(len(held)):
            held[at] ^= 1
        found += sum(mark in held for mark in marks)
        del held
print(found)
"""
TELLING_CHILD = """
import os, pathlib
with (pathlib.Path(__file__).parent / "told").open("a") as told:
    print(*os.environ, file=told)
"""


def left_with(environment: dict[str, str]) -> int:
    plain = {name: value for name, value in os.environ.items() if name not in ERASING and not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**plain, **environment}, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_freed_strings_are_gone_with_it_and_lie_about_without() -> None:
    assert left_with(dict(ERASING)) == 0
    assert left_with({}) > 10


@pytest.mark.parametrize("name", ["lane", "log", "screens", "sync", "vision"])
def test_the_units_of_programs_that_travellers_data_pass_through_have_it(name: str) -> None:
    unit = (ROOT / "systemd" / f"gate-{name}.service").read_text()
    lines = [f"Environment={variable}={value}" for variable, value in ERASING.items()]
    assert all((line in unit) is (name in PROGRAMS) for line in lines)


async def test_children_that_end_with_a_crossing_do_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "telling_child.py").write_text(TELLING_CHILD)
    for name, value in {**ERASING, "PYTHONPATH": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    for ends in (True, False):
        with pytest.raises(ChildLostError, match="the child is lost"):
            await Process.start(
                "telling_child", child_messages.Alive(), incoming=document_messages.FromDocument, ends=ends
            )
    first, second = (tmp_path / "told").read_text().splitlines()
    assert [name in first.split() for name in ERASING] == [False] * len(ERASING)
    assert [name in second.split() for name in ERASING] == [True] * len(ERASING)
