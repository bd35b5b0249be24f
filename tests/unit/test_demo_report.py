"""What the demo makes of the records of one visit: what was not as the scenario says, down to the detail of a reason."""

from __future__ import annotations

from typing import Any

import pytest

from gate.cli.demo.director import Visit
from gate.cli.demo.report import Expected, outcome_of


def records(*reasons: tuple[str, str], verdict: str = "referred") -> list[dict[str, Any]]:
    listed = [{"reason": reason, "detail": detail} for reason, detail in reasons]
    return [{"crossing": "c1", "kind": "closed", "body": {"verdict": verdict, "reasons": listed}}]


def differences(expected: Expected, log: list[dict[str, Any]], passed: int = 0) -> tuple[str, ...]:
    return outcome_of(Visit("t001", "s", ["c1"], passed), log, expected).differences


@pytest.mark.parametrize("reason", ["document_check_failed", "document_check_failed:expiry"])
def test_a_reason_is_found_with_or_without_its_detail(reason: str) -> None:
    log = records(("document_check_failed", "expiry"), ("face_missing", ""))
    assert differences(Expected("referred", (), (reason,), 0), log) == ()


def test_the_right_reason_with_another_detail_is_not_as_expected() -> None:
    expected = Expected("referred", (), ("document_check_failed:revocation",), 0)
    assert differences(expected, records(("document_check_failed", "expiry"))) == (
        "no reason document_check_failed:revocation",
    )


def test_everything_that_differs_is_told() -> None:
    expected = Expected("admitted", ("bodies_several",), (), 1)
    assert differences(expected, records(("face_missing", ""))) == (
        "verdict referred, expected admitted",
        "0 passed, expected 1",
        "no incident bodies_several",
    )


def test_a_visit_without_records_has_no_verdict() -> None:
    assert differences(Expected("referred", (), (), 0), []) == ("verdict none, expected referred",)
