"""Log profiles: every kind of record, filled with canaries in all that it can hold, written in each; in basic no personal one is left."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from fakes.passage_examples import decided_record

from gate.passage.policy import Verdict
from gate.passage.records import Decided, EntryDecided, Record
from gate.programs.lane.records import PERSONAL, RecordError, encode, replay, stand_in
from gate_core.evidence.crossing import Score

KINDS: tuple[type[Any], ...] = tuple(Record.__subclasses__())
# Texts, dates and scores that name nobody, each with the reason.
HARMLESS = {
    "Started": {"purpose", "lists", "officers", "mode", "recipients", "rules", "profile", "registers"},  # settings, digests, the authority's key
    "FaceSettings": {"profile", "model", "sha256", "kind", "evidence", "threshold", "fmr"},  # settings
    "ApprovalSettings": {"sha256", "authority"},  # a digest, and the authority's key
    "ListsUpdated": {"version", "before", "imported_at"},
    "PublishedList": {"kind", "publisher", "signed_at"},  # states and organisations
    "RulesStated": {"version", "sha256", "text"},  # the site's
    "DrawCommitted": {"day", "sha256"},  # of chance
    "Draw": {"day"},
    "DrawRevealed": {"day", "sha256", "secret"},
    "GroupCell": {"attribute", "value", "time_s", "time_s2"},  # of ten travellers at least
    "GroupsCounted": {"since", "until", "basis"},
    "NoticeShown": {"notice"},
    "Check": {"clause"},  # of a standard
    "PageCheck": {"measured", "false_alarm_rate", "measured_on"},  # of the paper; a data set
    "PageEvidence": {"source", "format", "weakest"},
    "DocumentEvidence": {"lists", "weak_algorithms"},
    "AccessEvidence": {"parameters"},
    "AgreementEvidence": {"protocol", "parameters"},
    "FaceEvidence": {"model"},
    "SiteEvidence": {"officer_seen_ago_s", "trust_age_days", "age_s", "head_age_s", "local"},  # ages
    "Closed": {"stages_ms"},
    "Obeyed": {"before", "after"},  # a direction or a group, as configured
    "HeadAccepted": {"root"},
}  # fmt: skip
# Of what is said of a traveller each field, whatever its type: a number may be an age.
OF_A_TRAVELLER = {
    "DocumentEvidence": {"checks", "test_issuer", "access", "agreement", "weak_algorithms", "lists", "page"},
    "FaceEvidence": {"faces", "portrait_usable", "track_held", "model", "trouble", "page_checks", "age_ms", "swap"},
}
POLICY = "Policy"  # the site's rules, all of it
RANDOM = {"crossing"}  # a random id, which stands in the envelope


def parts(kind: Any) -> Iterator[type[Any]]:
    """The dataclasses that a type may hold in basic, itself first."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if kind.__name__ != POLICY:
            yield kind
            for name, hint in get_type_hints(kind).items():
                if name not in PERSONAL.get(kind, frozenset()):
                    yield from parts(hint)
    else:
        for one in get_args(kind):
            yield from parts(one)


def canaries(value: object) -> Iterator[str]:
    """How the texts, days and scores in a value are spelt."""
    if isinstance(value, str | date):
        yield str(value)
    elif isinstance(value, Score):
        yield str(value.value)
    elif dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            yield from canaries(getattr(value, one.name))
    elif isinstance(value, tuple | frozenset):
        for each in value:
            yield from canaries(each)
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from canaries(pair)


def leaves(hint: Any) -> set[Any]:
    return {hint} if not get_args(hint) else {leaf for one in get_args(hint) for leaf in leaves(one)}


def telling(hint: Any) -> bool:
    """True for what can hold words, a day, a measured value or anything."""
    return bool(leaves(hint) & {str, date, datetime, float, object, Any, Score})


def plain(hint: Any, at: str) -> Any:
    """A value of a type without parts, None of another."""
    number = sum(map(ord, at))
    values: dict[Any, Any] = {
        str: f"canary {at}",
        object: f"canary {at}",
        date: date(1900 + len(at), 1, 1 + number % 28),
        datetime: datetime(2026, 1, 1, tzinfo=UTC),
        Score: Score(0.5 + number / 1e6),
        bytes: bytes(32),
        bool: True,
        int: 7,
        float: 0.25,
    }
    return values.get(hint)


def filled(hint: Any, at: str) -> Any:
    """A value of a type, with a canary of its place in each text; the place of another value is in the number."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return filled(next(one for one in arguments if one is not type(None)), at)
    if origin is tuple:
        return (
            (filled(arguments[0], at),) if arguments[1:] == (Ellipsis,) else tuple(filled(one, at) for one in arguments)
        )
    if origin is frozenset:
        return frozenset({filled(arguments[0], at)})
    if origin is not None and issubclass(origin, Mapping):
        return {filled(arguments[0], at): filled(arguments[1], at)}
    if (one := plain(hint, at)) is not None:
        return one
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next(iter(hint))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints, name = get_type_hints(hint), hint.__name__
        return hint(**{one.name: filled(hints[one.name], f"{name}.{one.name}") for one in dataclasses.fields(hint)})
    raise AssertionError(f"{at} is of a type that nobody fills: {hint}")


def name_of(kind: type[Any]) -> str:
    return kind.__name__


PARTS: list[type[Any]] = sorted({one for kind in KINDS for one in parts(kind)}, key=name_of)


@pytest.mark.parametrize("kind", PARTS, ids=name_of)
def test_of_every_field_that_can_tell_something_it_is_known_whether_it_is_personal(kind: type[Any]) -> None:
    """A new field fails here until somebody says which it is."""
    hints = {one.name: get_type_hints(kind)[one.name] for one in dataclasses.fields(kind)}
    personal = PERSONAL.get(kind, frozenset())
    assert personal <= hints.keys()
    if kind.__name__ in OF_A_TRAVELLER:
        assert hints.keys() - personal == OF_A_TRAVELLER[kind.__name__]
    assert {name for name, hint in hints.items() if telling(hint)} - personal - RANDOM <= HARMLESS.get(
        kind.__name__, set()
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_personal_field_of_any_record_is_in_basic_and_all_are_in_full(kind: type[Any]) -> None:
    record = filled(kind, kind.__name__)
    full, basic = (encode(record, profile).decode() for profile in ("full", "basic"))
    personal = [
        canary
        for part in parts(kind)
        for name in PERSONAL.get(part, frozenset())
        for canary in canaries(getattr(filled(part, part.__name__), name))
    ]
    for canary in personal:
        assert canary in full, "the canary sings"
        assert canary not in basic
    assert json.loads(basic)["profile"] == "basic"
    assert json.loads(basic).keys() - {"profile"} <= json.loads(full).keys()
    spoken = [canary for canary in personal if canary in stand_in(record, "basic").decode()]
    assert spoken == []


def test_the_records_that_name_persons_are_among_those_that_were_walked() -> None:
    walked = {kind.__name__: sum(bool(PERSONAL.get(part)) for part in parts(kind)) for kind in KINDS}
    assert {"Decided", "Overruled", "Settled", "Closed", "Presence", "Started"} <= {
        one for one in walked if walked[one]
    }


def test_a_decision_in_full_holds_the_scores_beside_the_bounds_that_they_are_measured_against() -> None:
    full = json.loads(encode(decided_record()))
    face, policy = full["evidence"]["face"], full["policy"]
    assert face["match"]["value"] == 0.8 > policy["face_match_min"]["value"] > 0
    assert face["liveness"]["value"] == 0.9 > policy["liveness_min"]["value"] > 0


def test_a_decision_of_basic_is_not_taken_again_and_nobody_says_that_it_is_another() -> None:
    record = decided_record()
    assert replay(json.loads(encode(record)))[1]
    with pytest.raises(RecordError, match="left out"):
        replay(json.loads(encode(record, "basic")))
    basic = json.loads(encode(record, "basic"))
    assert (basic["decision"], basic["reasons"]) == ("admit", [])
    assert "match" not in basic["evidence"]["face"]
    assert all(set(one) == {"id", "result", "clause"} for one in basic["evidence"]["document"]["checks"])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_standard_leaves_out_what_is_personal_of_whom_the_gate_let_pass_and_nothing_else(kind: type[Any]) -> None:
    record = filled(kind, kind.__name__)
    if kind not in {Decided, EntryDecided}:
        assert encode(record, "standard") == encode(record, "full")
        assert stand_in(record, "standard") == stand_in(record, "full")
        return
    assert {one: _standard(record, one) for one in Verdict} == {Verdict.ADMIT: "basic", Verdict.REFER: "full"}


def _standard(record: Any, decision: Verdict) -> str:
    """As which of the others a decision is written down."""
    record = dataclasses.replace(record, decision=decision)
    standard = json.loads(encode(record, "standard"))
    if standard.pop("profile", "full") == "full":
        assert standard == json.loads(encode(record, "full"))
        return "full"
    basic = json.loads(encode(record, "basic"))
    basic.pop("profile")
    assert standard == basic
    return "basic"


def test_from_standard_each_referral_is_taken_again() -> None:
    admitted = decided_record()
    with pytest.raises(RecordError, match="left out"):
        replay(json.loads(encode(admitted, "standard")))
    referred = dataclasses.replace(admitted, decision=Verdict.REFER)
    assert replay(json.loads(encode(referred, "standard"))) == replay(json.loads(encode(referred, "full")))
