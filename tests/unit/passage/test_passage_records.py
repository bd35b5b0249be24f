"""The records of the log: one a kind, and what each says of itself."""

from __future__ import annotations

import pytest
from fakes.passage_examples import decided_record, said

from gate.passage import records
from gate.passage.events import Part
from gate.passage.names import ClosedAs, Disposition, IncidentKind, RecordClass, RecordKind
from gate.passage.records import GrantEnd, Incident, Record, class_of, crossing_of
from gate_core.evidence.crossing import Alarm, CameraTrouble
from gate_core.evidence.reasons import Objection, Reason

KINDS: tuple[type[Record], ...] = tuple(Record.__subclasses__())


def test_every_kind_has_one_record() -> None:
    assert {kind.kind for kind in KINDS} == set(RecordKind)
    assert len(KINDS) == len(RecordKind)


def test_what_leads_to_an_admission_waits_while_the_disk_is_full_and_nothing_else_does() -> None:
    leading = {kind.kind for kind in KINDS if kind.leads_to_admission}
    assert leading == {
        RecordKind.STARTED,
        RecordKind.RULES_STATED,
        RecordKind.DRAW_COMMITTED,
        RecordKind.OPENED,
        RecordKind.ENTRY_DECIDED,
        RecordKind.DECIDED,
        RecordKind.OVERRULED,
        RecordKind.PRESENCE,
        RecordKind.HEAD_ACCEPTED,
    }


def test_a_crossing_ends_with_its_verdict_and_with_the_officers_word() -> None:
    assert {kind.kind for kind in KINDS if kind.ends_crossing} == {RecordKind.CLOSED, RecordKind.DISPOSITION}


OF_ONE_CROSSING: tuple[Record, ...] = (
    records.Opened("c1"),
    decided_record(),
    records.Overruled("c1", said(), ()),
    records.Granted("c1", 1),
    records.Passed("c1", 1),
    records.Revoked("c1", (Objection(Reason.TRACK_LOST),)),
    records.GrantEnded("c1", GrantEnd.TIME),
    records.Closed("c1", ClosedAs.REFERRED),
    records.Settled("c1", said(), Disposition.WALKED_BACK),
    records.Incident("c1", IncidentKind.FORCED),
    records.Released("c1", said()),
    records.EmergencyBegan("c1"),
    records.Obeyed("c1", said(), records.ObeyedVerb.REFER),
)


@pytest.mark.parametrize("record", OF_ONE_CROSSING, ids=lambda record: record.kind.value)
def test_whatever_belongs_to_a_crossing_looks_alike(record: Record) -> None:
    assert crossing_of(record) == "c1"
    assert class_of(record) is RecordClass.CROSSING


@pytest.mark.parametrize(
    ("record", "about"),
    [
        (records.Stopped(), RecordClass.DEVICE),
        (records.Passed(None, 1, records.PassedBy.RELEASE), RecordClass.DEVICE),
        (records.Incident(None, IncidentKind.FORCED), RecordClass.DEVICE),
        (records.EmergencyBegan(None), RecordClass.DEVICE),
        (records.Released(None, said()), RecordClass.ADMINISTRATION),
        (records.EmergencyEnded(said()), RecordClass.ADMINISTRATION),
        (records.Presence(said()), RecordClass.ADMINISTRATION),
        (records.Obeyed(None, said(), records.ObeyedVerb.CLOSE), RecordClass.ADMINISTRATION),
        (records.HeadAccepted(said(), 7, "00" * 32), RecordClass.ADMINISTRATION),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_record_without_a_crossing_is_about_the_device_or_its_administration(
    record: Record, about: RecordClass
) -> None:
    assert crossing_of(record) is None
    assert class_of(record) is about


def test_whatever_can_happen_has_an_incident_of_its_name() -> None:
    assert [IncidentKind.of_alarm(alarm).value for alarm in Alarm] == [alarm.value for alarm in Alarm]
    assert [IncidentKind.of_trouble(one).value for one in CameraTrouble] == [one.value for one in CameraTrouble]
    assert [IncidentKind.of_loss(part).value for part in Part] == [f"{part.value}_lost" for part in Part]
    assert IncidentKind.of_reason(Reason.TRACK_LOST) is IncidentKind.TRACK_LOST
    assert Incident(None, IncidentKind.of_reason(Reason.OFFICER_ABSENT)).incident is IncidentKind.GRANT_REVOKED


def test_only_a_crossing_that_was_closed_as_referred_awaits_an_officer() -> None:
    assert records.Closed("c1", ClosedAs.REFERRED).awaits_officer
    assert not records.Closed("c1", ClosedAs.ADMITTED).awaits_officer
    assert not records.Opened("c1").awaits_officer
