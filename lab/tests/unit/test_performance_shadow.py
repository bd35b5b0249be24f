"""A gate's decisions beside the officer's, from the log's records in clear."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gate_lab.shadow import Watched, compare, crossings_in


def crossing(name: str, *reasons: str, officer: str | None = None, issuer: str = "UTO") -> list[dict[str, object]]:
    """The records of one crossing, as `gate audit decrypt` prints them."""
    said = [{"reason": reason, "detail": ""} for reason in reasons]
    records: list[dict[str, object]] = [
        {
            "kind": "decided",
            "crossing": name,
            "body": {"policy": {"shadow": True}, "evidence": {"document": {"issuer": issuer}}},
        },
        {"kind": "closed", "crossing": name, "body": {"verdict": "referred", "reasons": said}},
    ]
    if officer is not None:
        records.append({"kind": "disposition", "crossing": name, "body": {"disposition": officer}})
    return records


ADMITTED, BACK = "admitted_by_officer", "walked_back"


def test_agreement_is_to_let_through_or_not_to() -> None:
    assert Watched("c", "UTO", (), ADMITTED).agrees
    assert Watched("c", "UTO", ("track_lost",), BACK).agrees
    assert not Watched("c", "UTO", (), BACK).agrees
    assert not Watched("c", "UTO", ("track_lost",), ADMITTED).agrees


def test_where_they_differ_is_told_by_reason_and_by_issuer_the_worst_first() -> None:
    records = [
        *crossing("c1", "shadow_mode", officer=ADMITTED),
        *crossing("c2", "shadow_mode", officer=BACK, issuer="XOM"),
        *crossing("c3", "face_below_threshold", "liveness_below_bound", officer=ADMITTED),
        *crossing("c4", "face_below_threshold", officer=BACK),
        *crossing("c5", "face_below_threshold"),
    ]
    beside = compare(crossings_in(records))
    assert (beside.crossings, beside.settled, beside.agreed) == (5, 4, 2)
    assert [(row.name, row.otherwise.errors, row.otherwise.of) for row in beside.reasons] == [
        ("would_admit", 1, 2),
        ("face_below_threshold", 1, 2),
        ("liveness_below_bound", 1, 1),
    ]
    assert [(row.name, row.otherwise.errors, row.otherwise.of) for row in beside.issuers] == [
        ("UTO", 1, 3),
        ("XOM", 1, 1),
    ]
    fields = beside.reasons[0].fields
    assert (fields["n"], fields["of"], fields["share"]) == (1, 2, 0.5)
    assert fields["low"] == pytest.approx(0.0945, abs=1e-3)  # Wilson, 1 of 2
    assert fields["high"] == pytest.approx(0.9055, abs=1e-3)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "decided", "crossing": "c1", "body": None},
        {"kind": "decided", "crossing": 1, "body": {"policy": {"shadow": True}}},
        {"kind": "decided", "crossing": "c1", "body": {"policy": {"shadow": False}}},
        {"kind": "closed", "crossing": "c9", "body": {"reasons": []}},
        {"kind": "closed", "crossing": "c1", "body": {"reasons": 7}},
        {"kind": "disposition", "crossing": "c1", "body": {"disposition": ["x"]}},
    ],
)
def test_what_is_no_crossing_of_a_shadow_is_passed_over(record: Mapping[str, object]) -> None:
    assert crossings_in([record]) == []


def test_a_document_that_was_not_read_has_no_issuer_and_a_strange_reason_no_name() -> None:
    records: list[Mapping[str, object]] = [
        {"kind": "decided", "crossing": "c1", "body": {"policy": {"shadow": True}, "evidence": {"document": None}}},
        {"kind": "closed", "crossing": "c1", "body": {"reasons": [{"reason": 3}, "x", {"reason": "time_limit"}]}},
    ]
    assert crossings_in(records) == [Watched("c1", "", ("time_limit",))]
