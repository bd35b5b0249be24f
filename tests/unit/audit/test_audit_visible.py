"""What the log's files tell of a crossing without an auditor's key: headers and lengths, from the real machine to the real spool."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.audit_logs import BOOT, TIME, SmallLog
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, SAME_FACE, Run, granted, inspecting, recording

from gate.audit.writer import Wanted
from gate.channel.log_messages import NewRecord
from gate.passage.effects import Write
from gate.passage.events import DocumentRead, FaceCompared, Recorded, Tick
from gate.passage.names import ClosedAs, Disposition, RecordKind
from gate.passage.orders import HandOver
from gate.passage.records import Closed
from gate.programs.lane.record_outbox import RecordOutbox
from gate.programs.lane.records import Profile
from gate_core.audit_format.export import Outlet
from gate_core.audit_format.record import Happening, Header
from gate_core.audit_format.sealer import plaintext
from gate_core.audit_format.tiles import Piece
from gate_core.evidence.crossing import CheckResult
from gate_core.evidence.reasons import Objection, Reason

SAYS_NOTHING = {"v", "index", "class", "hour", "origin", "sealed", "key", "recipients"}


def admitted() -> Run:
    run = granted()
    run.feed(replace(AT_REST, closed=False, bodies=1, grants_left=1))
    run.feed(replace(AT_REST, closed=False, passages_entry=1))
    run.feed(replace(AT_REST, passages_entry=1))
    return run


def referred(run: Run) -> Run:
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    run.order(HandOver(CROSSING, Disposition.WALKED_BACK))
    return run


def unreadable() -> Run:
    run = inspecting()
    run.feed(Tick(), after_ms=45_001)
    return referred(run)


def forged() -> Run:
    failed = tuple(replace(check, result=CheckResult.FAILED) for check in GENUINE.checks)
    return referred(recording(replace(GENUINE, checks=failed), replace(SAME_FACE, match=None, liveness=None)))


def impostor() -> Run:
    run = inspecting()
    run.feed(DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, replace(SAME_FACE, match=None)))
    return referred(run)


WAYS = {"admitted": admitted, "unreadable": unreadable, "forged": forged, "impostor": impostor}


def records_of(run: Run, profile: Profile = "full") -> list[NewRecord]:
    numbers = itertools.count()
    queue = RecordOutbox(lambda: next(numbers).to_bytes(16), profile=profile)
    for effect in run.effects:
        if isinstance(effect, Write) and getattr(effect.record, "crossing", None) is not None:
            queue.add(effect.record, 1, awaited=False, reachable=True)
    return queue.offer(1)


def wanted(new: NewRecord, *, bytes_min: int | None = None) -> Wanted:
    happening = Happening(
        id=new.id,
        kind=new.kind.value,
        about=new.about.value,
        crossing=new.crossing,
        monotonic_ms=new.monotonic_ms,
        boot=BOOT,
        time=TIME,
        leads_to_admission=new.leads_to_admission,
        ends_crossing=new.ends_crossing,
    )
    return Wanted(happening, plaintext(happening, new.body, new.bytes_min if bytes_min is None else bytes_min))


@pytest.fixture(params=WAYS)
def visible(request: pytest.FixtureRequest, tmp_path: Path) -> list[tuple[Header, int]]:
    """Headers and lengths of the bodies of one crossing, out of the spool."""
    log = SmallLog(tmp_path)
    news = records_of(WAYS[request.param]())
    log.write([wanted(new) for new in news])
    piece = Piece(0, len(news))
    outlet = Outlet(log.spool)
    headers = [Header.parse(leaf) for leaf in outlet.leaves(piece)]
    return list(zip(headers, [len(sealed) for sealed in outlet.sealed(piece)], strict=True))


def test_headers_and_lengths_are_the_same_however_a_crossing_ends(visible: list[tuple[Header, int]]) -> None:
    assert [length - 28 for _, length in visible] == [1536, 8192, *[1536] * (len(visible) - 2)]
    for header, _ in visible:
        assert set(json.loads(header.leaf())) == SAYS_NOTHING
        assert (header.about, header.hour) == ("crossing", "2026-11-25T10:00:00Z")
    assert len({header.key for header, _ in visible}) == 1


def test_the_number_of_records_does_tell_as_the_threat_model_says() -> None:
    assert Counter({name: len(records_of(way())) for name, way in WAYS.items()}) == {
        "admitted": 6,
        "unreadable": 4,
        "forged": 4,
        "impostor": 4,
    }


def test_a_referral_for_very_many_reasons_shows_as_the_threat_model_says() -> None:
    def length(count: int) -> int:
        reasons = tuple(Objection(Reason.DOCUMENT_CHECK_UNDETERMINED, f"a_check_of_the_{n:02}") for n in range(count))
        run = Run(effects=[Write(Closed(CROSSING, ClosedAs.REFERRED, reasons))])
        (new,) = records_of(run)
        return len(wanted(new).plain)

    assert (length(12), length(25)) == (1536, 8192)


def test_without_padding_the_lengths_would_tell() -> None:
    natural = {name: tuple(len(new.body) for new in records_of(way())[1:3]) for name, way in WAYS.items()}
    assert len(set(natural.values())) == len(WAYS)


def test_without_its_least_length_a_decision_that_says_little_would_tell_what_profile_the_log_has() -> None:
    decisions = [records_of(way(), profile)[1] for way in WAYS.values() for profile in ("full", "standard", "basic")]
    assert {len(wanted(one).plain) for one in decisions} == {8192}
    assert len({len(one.body) for one in decisions}) > 1
