"""Pictures of pages for `gate document read-mrz`: found on disk, sent one by one to a child that decodes and reads them, and what it answers."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from gate_core.command_line.output import emit_json, say
from gate_lab.folders import SUFFIXES

ANSWER_DEADLINE_S = 30.0  # a picture takes a tenth of a second; a file that holds a decoder for longer is given up
START_DEADLINE_S = 60.0


class Ready(msgspec.Struct, frozen=True):
    """Whether it can read, and why not; `bytes_max` is how large a picture it takes."""

    ready: bool
    reason: str = ""
    bytes_max: int = 0


class PageAnswer(msgspec.Struct, frozen=True):
    """What a picture shows, or why it shows nothing. What was not looked for is left out when it is written."""

    found: bool = False
    accepted: bool = False
    reason: str = ""
    format: str | None = None
    lines: list[str] = []
    check_digits: dict[str, bool] = {}
    confidence: float | None = None
    took_ms: float = 0.0
    repaired: bool | msgspec.UnsetType = msgspec.UNSET
    hints: list[str] | msgspec.UnsetType = msgspec.UNSET
    alternatives: list[list[str]] | msgspec.UnsetType = msgspec.UNSET


Said = TypeVar("Said", PageAnswer, Ready)


class ReaderUnfitError(Exception):
    """No child can be had, and why; not about any one picture."""


def pictures_in(paths: Sequence[Path]) -> Iterator[Path]:
    """The files that were named, and of folders those whose names end like pictures, sorted. Raises OSError."""
    for path in paths:
        if path.is_dir():
            yield from sorted(inside for inside in path.iterdir() if inside.suffix.lower() in SUFFIXES)
        else:
            yield path


class PageReader:
    """Reads pictures in a child; one that a picture broke is replaced. Use as a context."""

    def __init__(self, models: Path) -> None:
        self._models = models
        self._child: subprocess.Popen[bytes] | None = None
        self._bytes_max = 0  # of a picture; the child says it
        self.unread = ""  # the latest file that could not be read, and why

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, path: Path) -> PageAnswer:
        """What the picture shows, as the child tells it, or why it shows nothing. Raises ReaderUnfitError."""
        child = self._child or self._start()
        try:
            with path.open("rb") as file:
                content = file.read(self._bytes_max + 1)
        except OSError as error:
            self.unread = f"{path} cannot be read: {error.strerror}"
            return PageAnswer(reason=f"cannot be read: {error.strerror}")
        if len(content) > self._bytes_max:
            return PageAnswer(reason=f"more than {self._bytes_max} bytes")
        assert child.stdin is not None, "it was started with pipes"
        try:
            child.stdin.write(struct.pack(">Q", len(content)) + content)
            child.stdin.flush()
        except OSError:
            self._end()
            return PageAnswer(reason="the decoder broke on the picture")
        answer = _line_of(child, PageAnswer, ANSWER_DEADLINE_S)
        if answer is None:
            broke = child.poll() is not None
            self._end()
            why = "the decoder broke on the picture" if broke else f"took more than {ANSWER_DEADLINE_S:.0f} s to decode"
            return PageAnswer(reason=why)
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "gate_lab.page_child", str(self._models), str(os.getpid())]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ourselves
        ready = _line_of(self._child, Ready, START_DEADLINE_S)
        if ready is None or not ready.ready:
            self._end()
            raise ReaderUnfitError(ready.reason if ready is not None else "the reading process does not start")
        self._bytes_max = ready.bytes_max
        return self._child

    def _end(self) -> None:
        if self._child is None:
            return
        self._child.kill()
        self._child.communicate()
        self._child = None


def _line_of(child: subprocess.Popen[bytes], kind: type[Said], deadline_s: float) -> Said | None:
    """One answer, None when the child ended or stayed silent. A line comes whole: the child flushes after each."""
    assert child.stdout is not None, "it was started with pipes"
    ready, _, _ = select.select([child.stdout], [], [], deadline_s)
    line = child.stdout.readline() if ready else b""
    return msgspec.json.decode(line, type=kind) if line else None


def report_page(path: Path, answer: PageAnswer, *, json: bool) -> None:
    """Print what one picture gave; as JSON every field of the contract is there, whatever was found."""
    if json:
        emit_json("document.read-mrz/1", {"file": str(path), **msgspec.to_builtins(answer)})
        return
    if not answer.found:
        say(f"{path}: nothing: {answer.reason}")
        return
    verdict = "accepted" if answer.accepted else f"not accepted: {answer.reason}"
    say(f"{path}: {answer.format}, {verdict}")
    for line in answer.lines:
        say(f"  {line}")
