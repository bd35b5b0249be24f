"""Whom records are sealed for is whom the lane's start named: others are found, and an honest change of them is none."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyrage
import pytest
from fakes.audit_logs import SmallLog, wanted

from gate.audit.record import recipients_digest
from gate.audit.unsealing import Unsealer
from gate.cli.audit_records import with_story
from gate.programs import log as log_program
from gate.verify.findings import Report
from gate.verify.recipients import NamedRecipients
from gate.verify.verify import verify

OURS, THEIRS = ("a" * 64, "b" * 64), ("a" * 64, "c" * 64)


def digest(hashes: Iterable[str]) -> str:
    return sha256("\n".join(sorted(hashes)).encode()).hexdigest()


Row = tuple[str | None, str, Any]


def judged(*rows: Row) -> tuple[str, ...]:
    """Records: what kind, sealed for whom, and, of a start, whom it names."""
    named = NamedRecipients()
    for index, (kind, recipients, names) in enumerate(rows):
        about = "device" if kind in {None, "started"} else "crossing"
        named.take(index, kind, about=about, recipients=recipients, body={} if names is None else {"recipients": names})
    return named.contradictions()


START: Row = ("started", digest(OURS), list(OURS))
RECORD: Row = ("opened", digest(OURS), None)
STRANGE: Row = ("opened", digest(THEIRS), None)
OWN: Row = ("clock_stepped", digest(THEIRS), None)
START_THEIRS: Row = ("started", digest(THEIRS), list(THEIRS))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ((RECORD, START, RECORD, RECORD), ()),
        ((START, STRANGE), ("entry 1 is",)),
        ((START, STRANGE, STRANGE, RECORD, STRANGE), ("entries 1 to 2 are", "entry 4 is")),
        ((START, RECORD, START_THEIRS, STRANGE), ()),
        ((START, OWN, OWN, START_THEIRS, STRANGE), ()),
        ((START, OWN, STRANGE, START_THEIRS), ("entries 1 to 2 are",)),
        ((START, OWN, START), ("entry 1 is",)),
        ((START, OWN), ("entry 1 is",)),
        ((("started", digest(THEIRS), list(OURS)),), ("entry 0 is",)),
        ((("started", digest(OURS), "nonsense"),), ("entry 0 is",)),
        ((("started", "", None), ("opened", "", None)), ()),
        ((START, ("opened", "", None)), ("entry 1 is",)),
        ((("started", "", None), STRANGE), ()),
        ((START, ("started", digest(OURS), []), STRANGE), ()),
        ((START, (None, digest(THEIRS), None), STRANGE), ()),
        ((START, (None, digest(OURS), None), STRANGE), ("entry 2 is",)),
    ],
)
def test_what_is_sealed_for_others_than_the_start_before_named_is_found(
    rows: tuple[Row, ...], found: tuple[str, ...]
) -> None:
    assert tuple(one.partition(" sealed")[0] for one in judged(*rows)) == found


def said_by_the_log() -> list[str]:
    """The kinds that the log program writes of its own, as its code spells them."""
    programs = Path(log_program.__file__).parent.glob("*.py")
    calls = [one for path in programs for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Call)]
    said = [one for one in calls if ast.unparse(one.func) in {"self._say", "_own"}]
    words = [word.value for one in said for word in one.args if isinstance(word, ast.Constant)]
    return sorted(word for word in words if isinstance(word, str))


def test_each_kind_that_the_log_writes_of_its_own_may_be_sealed_for_those_whom_the_next_start_names() -> None:
    kinds = said_by_the_log()
    assert len(kinds) > 5, kinds
    for kind in kinds:
        assert judged(START, (kind, digest(THEIRS), None), START_THEIRS) == (), kind


def reported(log: SmallLog) -> Report:
    return with_story(verify(log.spool, log.vkey), [log.spool], Unsealer([log.auditors[0]]))


def started(log: SmallLog) -> dict[str, object]:
    return {"recipients": list(recipients_digest(str(one.to_public()) for one in log.auditors)[1])}


def test_a_log_that_seals_for_a_stranger_too_is_not_verified_by_whoever_can_open_it(tmp_path: Path) -> None:
    log = SmallLog(tmp_path)
    log.write([wanted("started", body=started(log)), wanted("presence")])
    honest = reported(log)
    assert (honest.verified, [one.since for one in honest.recipients]) == (True, [0])
    watched = dataclasses.replace(log, auditors=(*log.auditors, pyrage.x25519.Identity.generate()))
    watched.write([wanted("incident")])
    found = reported(log)
    assert [one.since for one in found.recipients] == [0, 2], "in clear, for whoever holds no key"
    assert found.problems == ("entry 2 is sealed for others than the start of the lane before named",)
    watched.write([wanted("started", body=started(watched))])
    assert reported(log).problems == found.problems, "a start afterwards excuses nothing of the lane's"
