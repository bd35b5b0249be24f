"""The process that reads and verifies downloaded lists, with limited memory and time. It may be killed at any time."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from datetime import datetime
from pathlib import Path

import msgspec

from gate.programs.sync.lists_messages import (
    ANSWER_BYTES_MAX,
    REFUSED_MAX,
    REQUEST_BYTES_MAX,
    Outcome,
    Refused,
    Request,
)
from gate.trust.download_folder import shown
from gate.trust.errors import SourceError, TrustError
from gate.trust.folder import read_folder
from gate.trust.list_import import ImportReport, import_sources
from gate.trust.snapshot import STORE_BYTES_MAX
from gate.trust.sources import Rejected, Way
from gate_core.ordinary import read_ordinary
from gate_core.programs import clock
from gate_core.programs.process import end_with
from gate_documents.errors import DocumentError
from gate_documents.pki.certificate import Certificate, parse_certificate

ADDRESS_SPACE_BYTES_MAX = 2 << 30
CPU_MAX_S = 300
OPEN_FILES_MAX = 64
NICENESS = 10  # travellers have priority
SIGNER_BYTES_MAX = 64 << 10
PROBLEM_CHARACTERS_MAX = 500


def bind(parent_pid: int) -> None:
    """Limit this process's resources, lower its priority, and end it with its parent. Raises OSError without limits."""
    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES_MAX, ADDRESS_SPACE_BYTES_MAX),
        (resource.RLIMIT_CPU, CPU_MAX_S, CPU_MAX_S + 1),  # SIGXCPU names the cause; then SIGKILL
        (resource.RLIMIT_FSIZE, STORE_BYTES_MAX, STORE_BYTES_MAX),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX, OPEN_FILES_MAX),
    ):
        resource.setrlimit(kind, (soft, hard))
    end_with(parent_pid)
    with contextlib.suppress(OSError):  # a unit may forbid it; not essential
        os.nice(NICENESS)


def import_folder(request: Request, now: datetime) -> Outcome:
    """Import the folder's lists. Errors of a list, the folder or the store are in the outcome, not raised."""
    began = time.monotonic()
    try:
        folder = read_folder(Path(request.folder))
        report = import_sources(
            Path(request.store),
            folder.sources,
            signer=_signer(request.signer),
            test=request.test,
            now=now,
            way=Way.WATCHED,
        )
    except TrustError as error:
        return Outcome(problem=shown(str(error), characters_max=PROBLEM_CHARACTERS_MAX))
    return _outcome(report, folder.rejected, took_ms=int((time.monotonic() - began) * 1000))


def _outcome(report: ImportReport, unreadable: tuple[Rejected, ...], *, took_ms: int) -> Outcome:
    """Return an import's outcome. Refused older lists come first, since an operator must look into them."""
    refused = sorted((*unreadable, *report.rejected), key=lambda one: not one.older)
    problem = ""
    if refused and refused[0].older:
        problem = f"an older list was delivered: {refused[0].subject}: {refused[0].reason}"
    elif report.took_nothing:
        reason = f"{refused[0].subject}: {refused[0].reason}" if refused else "no certificate or list was found"
        problem = f"nothing in the folder can be taken: {reason}"
    return Outcome(
        problem=shown(problem, characters_max=PROBLEM_CHARACTERS_MAX),
        replaced=report.replaced,
        version=report.version,
        certificates=report.accepted,
        revocation_lists=report.revocation_lists,
        defect_lists=report.defect_lists,
        withdrawn=report.withdrawn,
        refused=[Refused(shown(one.subject), shown(one.reason, characters_max=300)) for one in refused[:REFUSED_MAX]],
        refused_in_all=len(refused),
        took_ms=took_ms,
    )


def _signer(path: str) -> Certificate | None:
    """Return the configured certificate that certifies lists, or None. Raises SourceError."""
    if not path:
        return None
    try:
        return parse_certificate(read_ordinary(path, SIGNER_BYTES_MAX))
    except OSError as error:
        raise SourceError(f"lists.signer: {path}: {error.strerror}") from error
    except DocumentError as error:
        raise SourceError(f"lists.signer: {path}: {error}") from error


def main() -> None:
    """Run `python -m gate.programs.sync.lists_child PARENT_PID`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles a terminal's Ctrl-C
    bind(int(sys.argv[1]))
    request = msgspec.json.decode(sys.stdin.buffer.read(REQUEST_BYTES_MAX), type=Request)
    try:
        outcome = import_folder(request, clock.now())
    except MemoryError:
        outcome = Outcome(problem="the folder needs more memory than an import may take")
    answer = msgspec.json.encode(outcome)
    assert len(answer) <= ANSWER_BYTES_MAX, "every field is limited"
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
