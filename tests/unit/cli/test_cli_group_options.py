"""An option that stands before a verb is honoured by that verb, or refused: never ignored. The whole tree of commands is walked."""

from __future__ import annotations

import argparse
import collections
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest
import typer

from gate.cli.models import default_folder
from gate_core.command_line.distributions import installed
from gate_core.command_line.tree import application
from hardware_sim.cli import parser

AUDITORS = tuple(str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2))
INIT = (
    *("init", "--operator", "border.example", "--gate-id", "g", "--swipe", "/dev/s", "--camera", "http://127.0.0.1:1/"),
    *("--purpose", "trial", *(word for one in AUDITORS for word in ("--auditor", one))),
)
# What the walk must find of the options before a single step of `gate provision`: which steps take them.
STEPS = {"init", "find-reader", "enrol", "rotate-log-key", "seal", "decommission", "report"}
HONOURED = {
    "--answers": set[str](),
    "--again": set[str](),
    "--wait-s": set[str](),
    "--root": STEPS - {"find-reader", "seal"},
    "--json": STEPS,
}


class Walked:
    """A verb, the groups above it, and what it would have been called with."""

    def __init__(self, words: tuple[str, ...], groups: tuple[Any, ...], command: Any) -> None:
        self.words, self.groups, self.command = words, groups, command
        self.called: dict[str, Any] | None = None
        command.callback = self._call

    def _call(self, **given: Any) -> None:
        self.called = given

    def run(self, root: Any, at: int, *option: str, value: Path) -> int:
        """Run it with an option before the words from `at` on; what else it must have is made up. Returns the exit code."""
        self.called = None
        needs = [
            word
            for one in self.command.params
            if one.required
            for word in (*([] if isinstance(one, typer.core.TyperArgument) else one.opts[:1]), made_up(one, value))
        ]
        with pytest.raises(SystemExit) as ended:
            root.main(args=[*self.words[:at], *option, *self.words[at:], *needs], prog_name="gate")
        return int(str(ended.value.code or 0))


def made_up(parameter: Any, path: Path) -> str:
    """A value that this parameter takes."""
    kind = parameter.type
    if choices := getattr(kind, "choices", None):
        return str(next(iter(choices)))
    if kind.name.startswith(("float", "int")):
        return str(next(one for one in (getattr(kind, "min", None), 1) if one is not None))
    return str(path)


def verbs(words: tuple[str, ...], groups: tuple[Any, ...], command: Any) -> Iterator[Walked]:
    """Every verb below, with its groups."""
    if not hasattr(command, "commands"):
        yield Walked(words, groups, command)
    for name, one in getattr(command, "commands", {}).items():
        yield from verbs((*words, name), (*groups, command), one)


def verdict(  # noqa: PLR0917 - one call
    root: Any, verb: Walked, at: int, option: Any, capsys: pytest.CaptureFixture[str], path: Path
) -> str:
    """What this verb makes of an option of the group whose verb stands at `at` of its words."""
    assert option.name != "install_completion", "it would write to whoever runs this test"
    words = [option.opts[0], *([] if option.is_flag else [made_up(option, path / "given")])]
    assert verb.run(root, at, value=path) == 0, verb.words
    without = verb.called
    assert without is not None
    capsys.readouterr()
    code, said = verb.run(root, at, *words, value=path), capsys.readouterr()
    if verb.called is None and code == 2:
        assert len(said.err.splitlines()) == 1, said.err
        assert words[0] in said.err
        return "refused"
    if verb.called is None and code == 0 and said.out:
        return "answered"
    changed = {key: value for key, value in (verb.called or {}).items() if without.get(key) != value}
    if changed and (option.is_flag or any(words[1] in str(value) for value in changed.values())):
        return "honoured"
    return "ignored"


def walk(nouns: dict[str, Any], capsys: pytest.CaptureFixture[str], path: Path) -> dict[tuple[str, ...], str]:
    found = {}
    for root in nouns.values():
        for verb in verbs((), (), root):
            for at, group in enumerate(verb.groups):
                for option in group.params:
                    if option.name != "help":
                        key = (*verb.words[:at], option.opts[0], *verb.words[at:])
                        found[key] = verdict(root, verb, at, option, capsys, path)
    return found


def test_an_option_before_a_verb_is_honoured_or_refused_and_never_ignored(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = walk({noun: typer.main.get_command(application([noun])) for noun in installed()}, capsys, tmp_path)
    logging.getLogger(__name__).info("%d options x verbs: %s", len(found), collections.Counter(found.values()))
    assert {key for key, said in found.items() if said == "ignored"} == set()
    versions = {key for key in found if key[0] == "--version"}
    assert {found.pop(key) for key in versions} == {"answered"}
    assert len(versions) > 100
    wanted = {
        ("provision", option, step): "honoured" if step in steps else "refused"
        for option, steps in HONOURED.items()
        for step in STEPS
    }
    assert found == wanted, "a group has a new option or step: say here what becomes of it"


def test_the_walk_notices_an_option_that_is_ignored(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    app = typer.Typer(add_completion=False)

    @app.callback()
    def _group(root: Path | None = None) -> None:
        assert root is None or root.name == "given"

    @app.command()
    def verb() -> None: ...

    found = walk({"noun": typer.main.get_command(app)}, capsys, tmp_path)
    assert found == {("--root", "verb"): "ignored"}


@pytest.mark.parametrize("words", [("--root", "", *INIT), (*INIT, "--root", ""), ("--root=",)])
def test_an_empty_folder_is_refused_and_nothing_is_made(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = gate(*words)
    assert (done.returncode, "it is empty" in done.stderr, list(tmp_path.iterdir())) == (2, True, [])


@pytest.mark.parametrize("more", [("--root", "x"), ("--config=x",)])
def test_two_places_are_refused(more: tuple[str, ...], tmp_path: Path) -> None:
    step = "init" if more[0] == "--root" else "report"
    done = gate("--root", str(tmp_path / "a"), step, *more)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--root" in done.stderr
    assert list(tmp_path.iterdir()) == []


def gate(*words: str, trace: Path | None = None) -> subprocess.CompletedProcess[str]:
    calls = "trace=openat,creat,mkdir,mkdirat,rename,renameat,renameat2,symlink,symlinkat,link,linkat,unlink,unlinkat"
    calls += ",chmod,fchmodat,chown,fchownat,lchown,truncate,mknod,mknodat"
    before = [] if trace is None else ["strace", "-f", "-qq", "-e", calls, "-o", str(trace)]
    command = [*before, sys.executable, "-m", "gate.cli", "provision", *words]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def written(trace: Path) -> set[Path]:
    """Every path that a call of this trace wrote at, and did not fail."""
    found = set()
    for line in trace.read_text().splitlines():
        call, _, rest = line.split(maxsplit=1)[1].partition("(")
        done = not rest.rpartition("= ")[2].startswith("-1")
        if done and (call != "openat" or any(flag in rest for flag in ("O_WRONLY", "O_RDWR", "O_CREAT"))):
            found |= {Path(word) for word in rest.split('"')[1::2] if word.startswith("/")}
    return {path for path in found if not path.is_relative_to("/dev")}


@pytest.mark.parametrize("before", ["before", "after"])
def test_a_gate_below_a_folder_is_made_there_and_nowhere_else(before: str, tmp_path: Path) -> None:
    root, trace = tmp_path / "gate", tmp_path / "trace"
    root.mkdir()
    (root / "models").symlink_to(default_folder())
    place = ("--root", str(root))
    words = (*place, "--json", *INIT) if before == "before" else (*INIT, *place, "--json")
    done = gate(*words, trace=trace)
    assert done.returncode == 0, done.stderr
    assert {step["state"] for step in json.loads(done.stdout)["steps"]} <= {"done", "kept"}
    places = written(trace)
    assert {root / "gate.toml", root / "keys"} <= places
    assert {path for path in places if not path.is_relative_to(root)} == set()


def test_the_simulators_commands_have_no_option_before_a_verb() -> None:
    def groups(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
        for action in of._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield of
                for one in action.choices.values():
                    yield from groups(one)

    found = list(groups(parser()))
    assert len(found) == 2
    assert {option for one in found for option in one._option_string_actions} == {"-h", "--help"}
