"""Automatic import of lists: watches the folder, imports in a child process, and reports the result in the status.

Only the child reads the untrusted bytes. In any case the store is the old one or a verified new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import msgspec

from gate.programs.children.child_handle import ChildLostError, kill, spawn
from gate.programs.shared.config import Config
from gate.programs.shared.config import Lists as Settings
from gate.programs.shared.fault_latch import FaultLatch
from gate.programs.sync.lists_messages import ANSWER_BYTES_MAX, Outcome, Request
from gate.trust.download_folder import Entry, look
from gate.trust.errors import SourceError
from gate_core.programs import clock
from gate_core.programs.reconnect import Backoff

IMPORT_DEADLINE_S = 600.0
MEMORY = "/dev/shm"  # noqa: S108 - a file without a name is not accessible to others

log = logging.getLogger("gate.sync")
RETRY_MIN_S: Final = 60.0
RETRY_MAX_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """The folder's files at one time, or why it could not be read."""

    files: tuple[Entry, ...] = ()
    problem: str = ""


class Schedule:
    """Decides when the folder is imported. Pure; times are seconds of a monotonic clock.

    A file may still be incomplete, so the folder must be unchanged between two looks. An imported folder is not
    imported again while unchanged, except after a failure: then after a pause that doubles up to RETRY_MAX_S.
    """

    def __init__(self) -> None:
        self._last: Seen | None = None
        self._imported: Seen | None = None
        self._backoff = Backoff(RETRY_MIN_S, RETRY_MAX_S)
        self._retry_at_s: float | None = None

    def is_due(self, seen: Seen, now_s: float) -> bool:
        """True if the folder is to be imported now."""
        settled = seen == self._last
        self._last = seen
        if seen.problem or not seen.files or not settled:
            return False
        return seen != self._imported or (self._retry_at_s is not None and now_s >= self._retry_at_s)

    def imported(self, seen: Seen, now_s: float, *, well: bool) -> None:
        """Note that an import of `seen` has ended. A folder that changed since is due once it is stable."""
        if seen != self._imported:
            self._backoff.reset()
        self._imported = seen
        self._retry_at_s = None if well else now_s + self._backoff.next_s()


class Lists:
    """Keeps the store up to date with the folder. `run` watches until cancelled; `detail` returns status fields."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._settings = settings
        self._request = Request(
            folder=settings.folder, store=config.paths.trust, signer=settings.signer, test=settings.test
        )
        self._must_be_synchronised = config.purpose == "service"
        self._schedule = Schedule()
        self._seen: Seen | None = None
        self._importing = False
        self._outcome: Outcome | None = None
        self._version = ""
        self._ended_at: str | None = None
        self._replaced_at: str | None = None
        self._of_folder = self._of_import = ""
        self._trouble = FaultLatch(log, begins="lists_not_imported", ends="lists_well_again")

    @property
    def problem(self) -> str:
        """What an operator must look into; empty without a problem."""
        return self._of_folder or self._of_import

    def detail(self) -> dict[str, object]:
        """Return status fields."""
        outcome = self._outcome or Outcome()
        return {
            "folder": self._settings.folder,
            "state": "importing" if self._importing else "failing" if self.problem else "ready",
            "problem": self.problem or None,
            "files": None if self._seen is None else len(self._seen.files),
            "imported_at": self._ended_at,
            "replaced_at": self._replaced_at,
            "version": self._version or None,
            "took_ms": outcome.took_ms,
            "certificates": outcome.certificates,
            "revocation_lists": outcome.revocation_lists,
            "defect_lists": outcome.defect_lists,
            "refused": [{"subject": one.subject, "reason": one.reason} for one in outcome.refused],
            "refused_in_all": outcome.refused_in_all,
        }

    async def run(self) -> None:
        """Watch the folder until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            seen = self._seen = await asyncio.to_thread(_look, Path(self._settings.folder))
            self._of_folder = seen.problem or ("" if seen.files else "the folder holds no list")
            self._trouble.is_now(self.problem)
            if self._schedule.is_due(seen, loop.time()):
                well = await self._import()
                self._schedule.imported(seen, loop.time(), well=well)
                self._trouble.is_now(self.problem)
            await asyncio.sleep(self._settings.check_every_ms / 1000)

    async def _import(self) -> bool:
        """Import the folder; False if that must be tried again, which was reported."""
        if not clock.is_sure(not_before=None, must_be_synchronised=self._must_be_synchronised):
            self._of_import = "the clock is not synchronised: no list is imported by a clock that may be wrong"
            return False
        self._importing = True
        try:
            outcome = await import_in_child(self._request)
        except ChildLostError as error:
            outcome = Outcome(problem=str(error))
        finally:
            self._importing = False
        self._of_import = outcome.problem
        self._version = outcome.version or self._version
        self._outcome, self._ended_at = outcome, clock.now().isoformat(timespec="seconds")
        if outcome.replaced:
            self._replaced_at = self._ended_at
            log.info(
                "lists_replaced",
                extra={
                    "version": outcome.version,
                    "certificates": outcome.certificates,
                    "revocation_lists": outcome.revocation_lists,
                    "withdrawn": outcome.withdrawn,
                },
            )
        return not outcome.problem


def _look(folder: Path) -> Seen:
    try:
        return Seen(look(folder))
    except SourceError as error:
        return Seen(problem=str(error))


async def import_in_child(request: Request, *, deadline_s: float = IMPORT_DEADLINE_S) -> Outcome:
    """Import in a child process, which ends with this call in any case. Raises ChildLostError."""
    with _memory_file(msgspec.json.encode(request)) as asked, _memory_file() as answered:
        code = await _run(asked.fileno(), answered.fileno(), deadline_s)
        if code != 0:
            raise ChildLostError(f"the importing process ended {_how(code)}")
        answered.seek(0)
        answer = answered.read(ANSWER_BYTES_MAX)
    try:
        return msgspec.json.decode(answer, type=Outcome)
    except msgspec.DecodeError as error:
        raise ChildLostError("the importing process answered something else") from error


def _memory_file(content: bytes = b"") -> IO[bytes]:
    """Return a file without a name. Unlike a pipe it never blocks if the process hangs; unlike a memfd it is not
    executable. Raises ChildLostError.
    """
    with contextlib.ExitStack() as held:
        try:
            file = held.enter_context(tempfile.TemporaryFile(buffering=0, dir=MEMORY))
            file.write(content)
            file.seek(0)
        except OSError as error:
            raise ChildLostError(f"the importing process cannot be asked: {MEMORY}: {error.strerror}") from error
        held.pop_all()  # the caller closes it
    return file


async def _run(standard_input: int, standard_output: int, deadline_s: float) -> int:
    """Run the child to its end; return its exit code. Raises ChildLostError."""
    process = await spawn("gate.programs.sync.lists_child", stdin=standard_input, stdout=standard_output)
    try:
        async with asyncio.timeout(deadline_s):
            return await process.wait()
    except TimeoutError as error:
        raise ChildLostError(f"the import was not done after {deadline_s:.0f} s") from error
    finally:
        await kill(process)


def _how(code: int) -> str:
    """Return a process's exit code as text."""
    if code >= 0:
        return f"with exit code {code}"
    if -code == signal.SIGXCPU:
        return "because it took too long"
    return f"by signal {signal.Signals(-code).name}"
