"""Whether a browser still paints what the lane shows."""

from __future__ import annotations

from gate.screens.kiosk.board import PAINTED_S_MAX, Painting


def test_where_no_page_ever_painted_there_is_none_to_miss() -> None:
    painting = Painting()
    assert painting.is_painted(100.0) is None
    painting.seen("boot-1", newest="boot-2", at_s=100.0)
    assert painting.is_painted(200.0) is None


def test_a_page_that_says_no_more_is_missed_and_one_that_is_back_is_not() -> None:
    painting = Painting()
    painting.seen("boot-1", newest="boot-1", at_s=100.0)
    assert painting.is_painted(100.0 + PAINTED_S_MAX) is True
    assert painting.is_painted(100.1 + PAINTED_S_MAX) is False
    painting.seen("boot-1", newest="boot-1", at_s=110.0)
    assert painting.is_painted(110.0) is True


def test_a_page_that_was_closed_on_purpose_is_not_missed_and_the_next_one_is() -> None:
    painting = Painting()
    painting.seen("boot-1", newest="boot-1", at_s=100.0)
    painting.close()
    assert painting.is_painted(200.0) is None
    painting.seen("boot-1", newest="boot-1", at_s=201.0)
    assert painting.is_painted(300.0) is False


def test_a_page_that_is_stuck_with_an_older_state_is_missed() -> None:
    painting = Painting()
    painting.seen("boot-1", newest="boot-1", at_s=100.0)
    for at_s in (101.0, 102.0, 103.0, 104.0):
        painting.seen("boot-1", newest="boot-2", at_s=at_s)
    assert painting.is_painted(104.0) is False
