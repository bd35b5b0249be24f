"""A writer's log in its spool: an interruption anywhere is caught up with, and the tests' own log is like it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from core_fakes.killing import refused
from core_fakes.sealed_log import GateLog, SealedLog
from fakes.audit_logs import SmallLog, crossing, wanted

from gate_core.audit_format.export import Outlet
from gate_core.audit_format.record import Header
from gate_core.audit_format.tiles import Piece
from gate_verify.verify import verify


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("step", range(2, 18))  # the first is the opening of the database
def test_publishing_that_was_interrupted_at_any_step_is_caught_up_with(tmp_path: Path, step: int) -> None:
    log = SmallLog(tmp_path)
    log.write(crossing("c1"))
    earlier = (log.spool / "checkpoint").read_bytes()
    log.write(crossing("c2"), publish=False)

    def publish() -> None:
        with log.writer() as writer:
            log.publish(writer)

    assert "Input/output" in refused(publish, at=step, reason=errno.EIO)
    was_replaced = (log.spool / "checkpoint").read_bytes() != earlier
    report = verify(log.spool, log.vkey)
    assert report.verified == was_replaced or all("beyond" in one or "no entry" in one for one in report.problems)
    log.write(crossing("c3"))
    report = verify(log.spool, log.vkey)
    assert (report.entries, report.problems) == (15, ())


def published(log: GateLog) -> tuple[set[str], list[tuple[str, str, str, int]]]:
    """The files of its spool without their keys' names, and what stands in its leaves without what is drawn."""
    files = {str(one.relative_to(log.spool)) for one in log.spool.rglob("*") if one.is_file()}
    leaves = [leaf for piece in (Piece(0, 256), Piece(1, 15)) for leaf in Outlet(log.spool).leaves(piece)]
    headers = [Header.parse(leaf) for leaf in leaves]
    keys = list(dict.fromkeys(one.key for one in headers))
    told = [(one.about, one.hour, one.origin, keys.index(one.key)) for one in headers]
    return {one for one in files if not one.startswith("keys/")}, told


def test_the_log_that_tests_write_by_the_format_alone_is_like_a_writers(tmp_path: Path) -> None:
    found = []
    for log in (SmallLog(tmp_path / "writer"), SealedLog(tmp_path / "format")):
        log.folder.mkdir()
        old = log.vkey
        log.write(crossing("c1"), crossing("c2"))
        log.hand_over()
        log.write([*crossing("c1"), *(wanted("incident") for _ in range(250))], crossing("c3"))
        report = verify(log.spool, old)
        assert report.problems == ()
        told = (report.entries, report.bodies, report.keys, report.erased, [one.since for one in report.signers])
        found.append((*published(log), told))
    assert found[0] == found[1]
