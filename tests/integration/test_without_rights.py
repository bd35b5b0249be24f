"""Every `gate` command by a user who may read nothing: one line and a code of the contract, and never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import typer
from fakes import as_nobody
from fakes.small_gate import small_gate
from fakes.strangers import needs_root, open_folder

from gate_core.command_line import distributions, tree
from gate_core.command_line.output import Exit

pytestmark = [pytest.mark.long, needs_root]

# What each of these stands for: everything else that a command must be given is a path.
WORDS = {
    "--vkey": "x+y+z",
    "--name": "central.example",
    "--operator": "border.example",
    "--gate-id": "gate-1",
    "gate_id": "gate-1",
    "--camera": "http://127.0.0.1:1/s",
    "--auditor": "age1x",
    "--officer": "anna",
    "--board": "a board",
    "--firmware": "1",
    "--by": "anna",
    "--words": "seen",
    "--central": "127.0.0.1:1",
    "--token": "x",
    "alarm": "x",
    "provider": "cpu",
    "argument": "taken_over",
}
# They bring everything along, and read nothing of ours.
WITHOUT_FILES = {("demo",), ("simulate",), ("document", "parse-mrz"), ("conformity",)}


def commands(closed: Path) -> Iterator[list[str]]:
    """Every command with what it must be given, below a folder that is closed."""

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[list[str]]:
        if hasattr(command, "commands"):
            for name, inner in command.commands.items():
                yield from walk(inner, (*words, name))
        elif words not in WITHOUT_FILES:
            yield [*words, *_given(command, closed)]

    yield from walk(typer.main.get_group(tree.application(list(distributions.installed()))), ())


def _given(command: Any, closed: Path) -> Iterator[str]:
    for one in command.params:
        name = one.opts[0]
        if not (one.required or name in {"--config", "--store", "--key", "--root", "--dir"}):
            continue
        if name.startswith("-"):
            yield name
        yield WORDS.get(name, str(closed / name.strip("-")))


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder of root's that nobody else may look into, with something under every name."""
    with open_folder() as folder:
        place = folder / "closed"
        place.mkdir(mode=0o700)
        yield place


def check(words: list[str], ended: as_nobody.Ended) -> None:
    assert "Traceback" not in ended.err, (words, ended.err)
    assert ended.code in set(Exit) - {Exit.OK}, (words, ended)
    said = [line for line in (ended.err or ended.out).splitlines() if line]  # what a check finds is its answer
    assert len(said) == 1 or ended.code == Exit.USAGE, (words, ended)


def test_what_may_not_be_read_is_one_line(closed: Path) -> None:
    wanted = list(commands(closed))
    assert len(wanted) > 50
    for words, ended in zip(wanted, as_nobody.gate(wanted), strict=True):
        check(words, ended)


def test_a_gate_of_others_is_told_from_one_that_is_away(closed: Path) -> None:
    """A configuration that everybody may read, and programs and keys that are others'."""
    settings = small_gate(closed)
    config = closed.parent / "gate.toml"
    shutil.copy(closed / "gate.toml", config)
    config.chmod(0o644)
    asked = [
        ["status", "--json"],
        ["selftest", "--json"],
        ["sync", "status"],
        ["officer", "list"],
        ["run", "log"],
        ["sync", "export-usb", "--out", "/nonexistent/usb"],
    ]
    told = [[*words, "--config", str(config)] for words in asked]
    with socket.socket(socket.AF_UNIX) as listener:
        path = settings.socket("status-lane")
        path.parent.mkdir(parents=True)
        listener.bind(str(path))
        listener.listen()
        status, selftest, sync, officer, run, usb = as_nobody.gate(told)
    assert status.code == Exit.NOT_PERMITTED
    assert set(json.loads(status.out)["programs"].values()) == {"no_right"}
    assert (sync.code, officer.code) == (Exit.NOT_PERMITTED, Exit.NOT_PERMITTED)
    checks = {one["id"]: one for one in json.loads(selftest.out)["checks"]}
    assert checks["log_key"]["state"] == "no_right"
    assert "root" in checks["log_key"]["detail"] or "Permission denied" in checks["log_key"]["detail"]
    assert checks["programs"]["state"] == "no_right"
    assert checks["barrier"]["state"] == "wrong"  # no such device
    assert selftest.code == Exit.NO
    for words, ended in (("run", run), ("usb", usb)):
        check([words], ended)


def test_a_right_that_is_missing_is_told_from_a_device_that_is_broken() -> None:
    """A device that is there, and is for somebody else."""
    with open_folder() as folder:
        small_gate(folder)
        master, slave = os.openpty()
        try:
            table = {
                **cli_table(folder),
                "swipe": {"port": os.ttyname(slave)},
                "barrier": {"port": os.ttyname(slave) + "9"},
            }
            (folder / "gate.toml").write_bytes(tomli_w.dumps(table).encode())
            (folder / "gate.toml").chmod(0o644)
            (ended,) = as_nobody.gate([["selftest", "--json", "--config", str(folder / "gate.toml")]])
        finally:
            os.close(master)
            os.close(slave)
    checks = {one["id"]: one for one in json.loads(ended.out)["checks"]}
    assert checks["swipe"]["state"] == "no_right"
    assert "is for root" in checks["swipe"]["detail"]
    assert "this is nobody" in checks["swipe"]["detail"]
    assert checks["barrier"]["state"] == "wrong"


def cli_table(folder: Path) -> dict[str, Any]:
    import tomllib

    return tomllib.loads((folder / "gate.toml").read_text())
