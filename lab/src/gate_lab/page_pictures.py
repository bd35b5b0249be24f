"""Pictures of pages for `gate document read-mrz`: finds them on disk and sends them one by one to a child process that decodes and reads them."""

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
    """Whether the child can read, and why not; `bytes_max` is the largest picture it takes."""

    ready: bool
    reason: str = ""
    bytes_max: int = 0


class PageAnswer(msgspec.Struct, frozen=True):
    """The result for one picture, or why there is none. JSON leaves out what was not looked for."""

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
    """The child process cannot be started; the message has the reason. It is not about one picture."""


def pictures_in(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files named, and from folders those with a picture's file extension, sorted. Raises OSError."""
    for path in paths:
        if path.is_dir():
            yield from sorted(inside for inside in path.iterdir() if inside.suffix.lower() in SUFFIXES)
        else:
            yield path


class PageReader:
    """Reads pictures in a child process; replaces it when a picture crashed it. Use as a context."""

    def __init__(self, models: Path) -> None:
        self._models = models
        self._child: subprocess.Popen[bytes] | None = None
        self._bytes_max = 0  # largest picture; the child reports it
        self.unread = ""  # the latest file that could not be read, and why

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, path: Path) -> PageAnswer:
        """Return the child's result for the picture, or the reason for having none. Raises ReaderUnfitError."""
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
    """Return one answer; None when the child ended or sent nothing. A line arrives whole: the child flushes after each."""
    assert child.stdout is not None, "it was started with pipes"
    ready, _, _ = select.select([child.stdout], [], [], deadline_s)
    line = child.stdout.readline() if ready else b""
    return msgspec.json.decode(line, type=kind) if line else None


def report_page(path: Path, answer: PageAnswer, *, json: bool) -> None:
    """Print the result of one picture; JSON has every field of the contract, whatever was found."""
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
