"""The technician's guide, §0: its blocks as they are printed, run in its order by the real programs, until a traveller has passed.

Changed are the two folders that it names, and the browser is headless. What the guide has the technician type into the world is typed when it says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from fakes.chromium import CHROMIUM, NEEDED

ROOT: Final = Path(__file__).resolve().parents[2]
GUIDE: Final = ROOT / "docs/guides/technician.md"
SETUP: Final = "scripts/setup\n. .venv/bin/activate\n"  # made the environment that runs this test
ENTRANCE: Final = "file:///…"  # what the technician replaces by the address that is shown
# What goes on in its terminal, by how its last line begins, and what it says when the next one may begin.
GOES_ON: Final = {
    "gate-sim world": '"event": "ready"',
    "gate run": '"program": "lane", "level": "info", "event": "ready"',
    "chromium": "",
    "gate officer present": "is present",
}
STARTS: Final = (
    "scripts/setup",
    "mkdir -p /tmp/lane",
    "mkdir -p /tmp/site",
    "said()",
    "grep -q without_entry_record",
    "gate provision report",
    "gate run",
    "chromium",
    "cd /tmp/site\ngate officer accept-head",
    "cd /tmp/site\ngate status",
    '{"do":"traveller"',
    "cd /tmp/site && rm -f try.bundle\ngate audit export",
    "gate provision report",
)
OFFICER: Final = re.compile(
    r"`(gate officer (?:list|hand-over) .*?)`"
)  # what the text between the blocks has an officer do
WAIT_S: Final = 150.0


@dataclass(frozen=True, slots=True)
class Act:
    """A row of the table: what `gate provision` says, and what is typed then."""

    says: str
    types: tuple[str, ...]


def section() -> str:
    """The section of the guide."""
    return GUIDE.read_text().partition("\n## 0.")[2].partition("\n## 1.")[0]


def steps() -> list[str]:
    """The section's blocks, and what is typed into the world between them, in its order."""
    found = re.finditer(r'^```\n((?s:.*?))^```$|^\|.*$|`(\{"do":"traveller".*?\})`', section(), re.MULTILINE)
    return [one for match in found if (one := match[1] or match[2])]


def acts() -> list[Act]:
    """The section's table. A row with two sayings has one order for each."""
    made = []
    for says, types in re.findall(r"^\| (`.*?) \| (.*) \|$", section(), re.MULTILINE):
        sayings = [one.partition("(")[0] for one in re.findall(r"`([^`]*)`", says)]
        orders = re.findall(r"`(\{[^`]*\})`", types)
        if len(sayings) == 1:
            made.append(Act(sayings[0], tuple(orders)))
        else:
            made += [Act(saying, (order,)) for saying, order in zip(sayings, orders, strict=True)]
    return made


def goes_on(block: str) -> str | None:
    """How the last line begins of a block that stays in its terminal."""
    last = block.strip().rpartition("\n")[2]
    return next((one for one in GOES_ON if last.startswith(one)), None)


def failed(said: str) -> list[str]:
    """The steps of `gate provision` that failed."""
    return re.findall(r"^failed +(\w+)", said, re.MULTILINE)


class Terminal:
    """A shell that goes on, and all that it has said."""

    def __init__(self, script: str, **more: Any) -> None:
        self._process = subprocess.Popen(
            ["bash", "-e", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            start_new_session=True,
            **more,
        )
        self.said: list[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def type(self, line: str) -> None:
        """A line on its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def wait_for(self, words: str) -> str:
        """The first line that has them."""
        with self._more:
            self._more.wait_for(lambda: self._with(words) is not None or self._process.poll() is not None, WAIT_S)
        line = self._with(words)
        assert line is not None, f"nothing said {words}:\n{''.join(self.said[-40:])}"
        return line

    def end(self) -> None:
        """End all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:
            self._reader.join(5)

    def _with(self, words: str) -> str | None:
        return next((line for line in self.said if words in line), None)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._more:
                self.said.append(line)
                self._more.notify_all()
        with self._more:
            self._more.notify_all()


class Technician:
    """Somebody who does what the section says, in `folder` in the place of /tmp."""

    def __init__(self, folder: Path, cleanup: contextlib.ExitStack) -> None:
        self._folder = folder
        self._cleanup = cleanup
        self._world: Terminal | None = None
        self._shows_page = False
        (folder / "bin").mkdir()
        browser = folder / "bin/chromium"
        browser.write_text(f'#!/bin/sh\nexec {CHROMIUM} --headless=new --no-sandbox "$@"\n')
        browser.chmod(0o755)
        path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**os.environ, "PATH": path}
        self.ran: list[str] = []
        self.handed_over: list[str] = []

    def do(self, step: str) -> None:
        """Run a block, or type an order."""
        self.ran.append(step)
        if step == SETUP:
            return
        if step.startswith("{"):
            self._have_a_traveller_come(step)
        elif (kind := goes_on(step)) is not None:
            self._leave_running(step, GOES_ON[kind])
        elif "gate status" in step:
            self._look(step, lambda _, said: said.startswith("on trial\n") and "\n  closed " not in said)
        elif "gate audit" in step:  # records are in the spool within a second, and nobody types as fast as this
            self._look(step, lambda code, _: code == 0, meanwhile=self._hand_over_whoever_waits)
        elif "gate provision --answers" in step and "gate config install" not in step:
            # "One step must fail the first time: approval." "Whatever you were too late for is failed at the end. Run the same line again."
            self._look(step, lambda code, said: code == 1 and failed(said) == ["approval"])
        else:
            code, said = self._run(step)
            assert code == 0, said
            if "gate config install" in step:  # and the command says itself what the guide does next
                nexts = [line for line in said.splitlines() if line.startswith("next ")]
                wanted = (
                    "gate run",
                    "/kiosk/start.html in a browser",
                    "accept-head",
                    "present --every 60",
                    "gate status",
                )
                assert [words for words in wanted if not any(words in line for line in nexts)] == []

    def _script(self, step: str) -> str:
        return step.replace("/tmp/lane", f"{self._folder}/lane").replace("/tmp/site", f"{self._folder}/site")

    def _leave_running(self, step: str, ready: str) -> None:
        terminal = Terminal(self._script(step), env=self._environment, cwd=self._home)
        self._cleanup.callback(terminal.end)
        if self._world is None:
            self._world = terminal
        if ready:
            terminal.wait_for(ready)

    @property
    def _home(self) -> Path:
        """Where the second terminal stands: the checkout until it has made the site's folder."""
        site = self._folder / "site"
        return site if site.is_dir() else self._folder

    def _run(self, step: str) -> tuple[int, str]:
        process = subprocess.Popen(
            ["bash", "-e", "-c", self._script(step)],
            cwd=self._home,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        said = []
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                self._obey(line)
        return process.returncode, "".join(said)

    def _obey(self, line: str) -> None:
        """Type what the table has for what was said; the display, once."""
        for act in acts():
            if act.says not in line:
                continue
            for order in act.types:
                if ENTRANCE in order:
                    if self._shows_page:
                        continue
                    self._shows_page = True
                    order = order.replace(ENTRANCE, re.findall(r"file://[^;)]*", line)[0])  # noqa: PLW2901
                assert self._world is not None
                self._world.type(order)

    def _hand_over_whoever_waits(self) -> None:
        """Do what follows "If that finds nothing": hand over, and have another traveller come."""
        waits, ends = OFFICER.findall(section())[-2:]
        waiting = re.findall(r"^  (\S+)  waits for ", self._run(f"cd /tmp/site\n{waits}")[1], re.MULTILINE)
        for crossing in waiting:
            code, said = self._run(f"cd /tmp/site\n{ends.replace('CROSSING', crossing)}")
            assert code == 0, said
            self.handed_over.append(crossing)
            order = next(step for step in steps() if step.startswith("{"))
            self._have_a_traveller_come(order.replace('"t1"', f'"t{len(self.handed_over) + 1}"'))

    def _look(
        self, step: str, is_well: Callable[[int, str], bool], *, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Run the block until it shows what the guide says, for a while at most."""
        end_s = time.monotonic() + WAIT_S
        while not is_well(*(shown := self._run(step))):
            if time.monotonic() > end_s:
                pytest.fail(f"{step} ended with {shown[0]}:\n{shown[1]}")
            meanwhile()

    def _have_a_traveller_come(self, order: str) -> None:
        assert self._world is not None
        self._world.type(order)
        done: dict[str, Any] = json.loads(self._world.wait_for(f'"event": "done", "id": "{json.loads(order)["id"]}"'))
        assert (done["served"], done["passed"]) == (True, 1), f"the lane did not admit them: {done}"


@pytest.fixture
def technician(short_path: Path) -> Iterator[Technician]:
    """Somebody at five terminals; what is left running ends with the test, the last first."""
    with contextlib.ExitStack() as cleanup:
        yield Technician(short_path, cleanup)


@pytest.mark.e2e
@pytest.mark.long
@NEEDED
def test_whoever_follows_the_section_ends_at_an_open_lane_that_a_traveller_passes(technician: Technician) -> None:
    for step in steps():
        technician.do(step)
    assert technician.ran == steps()
    assert any(step.startswith("{") for step in technician.ran)


BUSY: Final = """#!/bin/sh
echo "$@" >> {folder}/typed
case "$1 $2" in
"officer list") test -e {folder}/ended || echo "  c1  waits for 3 s: holder_in_view" ;;
"officer hand-over") touch {folder}/ended ;;
"audit decrypt") test -e {folder}/came-again && echo admitted ;;
esac
true
"""
WORLD: Final = """while read -r line; do
case "$line" in *t2*) touch {folder}/came-again ;; esac
echo "$line" | sed 's/.*"id":"\\([^"]*\\)".*/{{"event": "done", "id": "\\1", "passed": 1, "served": true}}/'
done"""


def test_whoever_passes_and_is_referred_is_handed_over_as_the_section_says_and_another_one_comes(
    technician: Technician, short_path: Path
) -> None:
    (short_path / "site").mkdir()
    (short_path / "bin/gate").write_text(BUSY.format(folder=short_path))
    (short_path / "bin/gate").chmod(0o755)
    technician._leave_running(WORLD.format(folder=short_path), "")
    for step in steps()[-3:-1]:
        technician.do(step)
    assert technician.handed_over == ["c1"]
    typed = (short_path / "typed").read_text().splitlines()
    assert "officer list --key shift.key --config try-1/gate.toml" in typed
    assert "officer hand-over taken_over --crossing c1 --key shift.key --config try-1/gate.toml" in typed


def test_what_is_run_is_every_block_of_the_section_in_its_order() -> None:
    assert [step.startswith(start) for step, start in zip(steps(), STARTS, strict=True)] == [True] * len(STARTS)
    assert section().count("\n```\n") == 2 * sum(not step.startswith("{") for step in steps())
    assert steps()[0] == SETUP
    assert [goes_on(step) for step in steps() if goes_on(step)] == list(GOES_ON)


def test_the_table_has_what_provision_says() -> None:
    said = "".join(path.read_text() for path in sorted((ROOT / "gate").rglob("provision*/*.py")))
    said += said.replace("Walk {way}", "Walk in, Walk out")
    assert len(acts()) == len(re.findall(r"^\| `", section(), re.MULTILINE)) + 1  # the fire loop has two in a row
    assert [act.says for act in acts() if act.says.rstrip() not in said] == []
    assert all(act.types for act in acts())
