"""A technician in a simulated lane: does what `gate provision` says on standard error, as it says it, and no more."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

import pyrage
import tomli_w

from gate.cli.models import default_folder

READY_S: Final = 120.0
ACTS: Final[tuple[tuple[str, tuple[dict[str, Any], ...]], ...]] = (
    ("Lay a travel document", ({"do": "lay"},)),
    ("Nobody stands before", ({"do": "take"}, {"do": "stand", "shows": "nobody"})),
    ("Stand on the travellers' mark", ({"do": "stand", "shows": "self"},)),
    ("Walk in,", ({"do": "walk_in", "who": "anna"},)),
    ("Walk out,", ({"do": "walk_out", "who": "anna"},)),
    ("Two people walk in", ({"do": "walk_in", "who": "anna", "followed_by": "ben"},)),
    ("Somebody is still in the zone", ({"do": "turn_back", "who": "ben"},)),
    ("Both leave", ({"do": "turn_back", "who": "ben"},)),
    ("Open the fire loop", ({"do": "fire", "active": True},)),
    ("Close the fire loop", ({"do": "fire", "active": False},)),
    ("Take the board's power", ({"do": "power_cycle"},)),
)


class Lane:
    """A simulated lane in a folder. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shows_page = False

    def __enter__(self) -> Self:
        """Open it. Its camera, barrier, reader and chip are there when this returns."""
        (self._folder / "world").mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "hardware_sim",
                "world",
                "--dir",
                str(self._folder / "world"),
                "--seed",
                "1",
                "--direct",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self._process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self._process.stdout.readline())
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        with contextlib.suppress(OSError):
            self.do({"do": "stop"})
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._reader.join()
        with self._process:
            pass

    def do(self, *orders: dict[str, Any]) -> None:
        """Have the world do it."""
        assert self._process.stdin is not None
        for order in orders:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()

    def obey(self, line: str, *, but: tuple[str, ...] = ()) -> None:
        """Do what this line of `gate provision` asks for; `but`: what is not done."""
        if "traveller's page (" in line:
            self.do({"do": "stand", "shows": "self"})
            if not self._shows_page:
                self._shows_page = True
                self.do({"do": "display", "page": line.split("(", 1)[1].split(";", maxsplit=1)[0]})
        for words, orders in ACTS:
            if words in line and words not in but:
                self.do(*orders)

    def answers(self, root: Path, **more: object) -> Path:
        """A file of answers for this lane; the models that are there already are borrowed."""
        root.mkdir(exist_ok=True)
        if not (root / "models").exists():
            (root / "models").symlink_to(default_folder())
        path = self._folder / "answers.toml"
        auditors = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]
        table = {
            "by": "Anna Example",
            "operator": "border.example",
            "gate_id": "try-1",
            "purpose": "trial",
            "auditors": auditors,
            "barrier": {"port": self.ready["barrier"]},
            "swipe": {"port": self.ready["swipe"]},
            "chip": {"driver": "direct", "socket": self.ready["chip"]["socket"]},
            "camera": {"address": self.ready["camera"]},
            "lists": {"files": self.ready["csca"], "test": True},
            **more,
        }
        path.write_text(tomli_w.dumps(table))
        return path

    def _drain(self) -> None:
        assert self._process.stdout is not None
        for _ in self._process.stdout:
            pass


def provision(
    lane: Lane,
    *arguments: str,
    on_line: Callable[[str, subprocess.Popen[str]], None] | None = None,
    but: tuple[str, ...] = (),
) -> tuple[int, dict[str, Any], list[str]]:
    """Run `gate provision … --json` while the technician obeys: exit code, document, and what it said. `on_line` hears each line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gate.cli", "provision", *arguments, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    said: list[str] = []
    with process, _killed_at_the_end(process):
        for line in process.stderr:
            said.append(line.rstrip())
            if on_line is not None:
                on_line(line, process)
            lane.obey(line, but=but)
        out = process.stdout.read()
        code = process.wait(READY_S)
    return code, json.loads(out) if out.strip() else {}, said


@contextlib.contextmanager
def _killed_at_the_end(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
