"""FaultLatch is said once when it begins and once when it ends; another one meanwhile only to whoever asked for each."""

from __future__ import annotations

import logging

import pytest

from gate.programs.shared.fault_latch import WORDS_MAX, FaultLatch

LOG = logging.getLogger("gate.test")
SEEN = ("", "gone", "gone", "broken", "", "", "gone")


@pytest.mark.parametrize(
    ("each", "told"),
    [
        (True, [("lost", "gone"), ("lost", "broken"), ("back", None), ("lost", "gone")]),
        (False, [("lost", "gone"), ("back", None), ("lost", "gone")]),
    ],
)
def test_what_is_new_is_said_once(
    *, each: bool, told: list[tuple[str, str | None]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    trouble = FaultLatch(LOG, begins="lost", ends="back", each=each)
    said = [trouble.is_now(words) for words in SEEN]
    assert [(one.getMessage(), getattr(one, "reason", None)) for one in caplog.records] == told
    assert sum(said) == len(told)
    assert trouble.words == "gone"


def test_that_all_is_well_is_said_first_to_whoever_asked_and_every_line_says_what_it_is_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    for first in ("", "gone"):
        trouble = FaultLatch(LOG, begins="lost", ends="back", first=True, about={"link": "lane"})
        said = [trouble.is_now(words) for words in (first, first, "")]
        assert said == [True, False, bool(first)]
    assert caplog.messages == ["back", "lost", "back"]
    assert {vars(one)["link"] for one in caplog.records} == {"lane"}


def test_an_error_without_words_is_said_by_its_name() -> None:
    trouble = FaultLatch(LOG, begins="lost", ends="back")
    assert trouble.is_now(ConnectionResetError())
    assert trouble.words == "ConnectionResetError"


def test_a_long_reason_is_cut_in_the_journal_and_whole_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    trouble = FaultLatch(LOG, begins="lost", ends="back", level=logging.ERROR)
    trouble.is_now("x" * 2 * WORDS_MAX)
    (record,) = caplog.records
    assert (record.levelno, len(record.reason), len(trouble.words)) == (logging.ERROR, WORDS_MAX, 2 * WORDS_MAX)  # type: ignore[attr-defined]
