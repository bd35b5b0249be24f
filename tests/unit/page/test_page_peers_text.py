"""The text rules that the benchmark's peers are given: rows along the tilt, fillers put right, our own weighing."""

import math
from typing import Any

from bench.page_text import rows_of, zone_of
from fakes.page_readings import PASSPORT


def piece(text: str, x: float, y: float, tilt_deg: float = 0.0) -> dict[str, Any]:
    turn = math.radians(tilt_deg)
    width = 10.0 * len(text)

    def at(right: float, down: float) -> list[float]:
        right, down = x + right, y + down
        return [right * math.cos(turn) - down * math.sin(turn), right * math.sin(turn) + down * math.cos(turn)]

    return {"text": text, "box": [at(0, 0), at(width, 0), at(width, 12), at(0, 12)]}


def test_pieces_of_one_line_are_joined_along_the_tilt() -> None:
    upper, lower = PASSPORT
    pieces = [
        piece(lower[20:], 200, 30, 12),
        piece(upper[:30], 0, 0, 12),
        piece(lower[:20], 0, 30, 12),
        piece(upper[30:], 300, 0, 12),
    ]
    assert rows_of(pieces) == [upper, lower]
    assert rows_of([]) == []


def test_dropped_fillers_brackets_and_letters_o_in_dates_are_put_right() -> None:
    upper = PASSPORT[0][:-4].replace("SSON<<", "SSON\u00ab")
    lower = PASSPORT[1].replace("7408122", "74O8122").replace("<<<<<", "<(<<")
    assert zone_of(["Utopia", upper, lower]) == PASSPORT


def test_rows_of_other_lengths_are_no_mrz() -> None:
    assert zone_of(["PASSPORT", "UTOPIA<", "ERIKSSON"]) == ()
