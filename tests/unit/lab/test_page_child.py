"""The child that reads single pictures of pages: an answer a request, in their order, and none to what is no request."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np
import pytest
from fakes.pages import PageConditions, draw_page, mrz_lines, shoot
from fakes.portraits import as_file

from gate.page.picture.reader import open_recogniser
from gate.page.values import MrzFormat, Recogniser, Why
from gate.picture import PICTURE_BYTES_MAX
from gate_lab.page_child import HEADER, WORDS, answer, serve
from gate_lab.page_pictures import PageAnswer


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return open_recogniser(Path("the model is committed"))


def shot(view: PageConditions) -> tuple[tuple[str, ...], bytes]:
    random = np.random.default_rng(21)
    lines = mrz_lines(random, MrzFormat.TD3)
    return lines, as_file(shoot(draw_page(lines, random), view, random).picture)


def requests(*contents: bytes) -> io.BytesIO:
    return io.BytesIO(b"".join(HEADER.pack(len(content)) + content for content in contents))


def test_each_request_has_its_answer_in_a_line_and_a_hostile_one_ends_nothing(
    recogniser: Recogniser, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines, page = shot(PageConditions())
    blank = as_file(np.full((600, 800, 3), 200, np.uint8))
    serve(requests(blank, b"no picture", page, b""), recogniser)
    nothing, hostile, found, empty = (
        msgspec.json.decode(line, type=PageAnswer) for line in capfdbinary.readouterr().out.splitlines()
    )
    assert (nothing.found, nothing.reason, nothing.hints) == (False, WORDS[Why.NO_MRZ], [Why.NO_MRZ.value])
    assert (hostile.found, "neither JPEG" in hostile.reason) == (False, True)
    assert (found.found, found.accepted, tuple(found.lines), found.format) == (True, True, lines, "TD3")
    assert all(found.check_digits.values())
    assert (empty.found, bool(empty.reason)) == (False, True)


def test_a_page_upside_down_is_read_and_one_that_is_blurred_is_told_what_is_wrong(recogniser: Recogniser) -> None:
    lines, page = shot(PageConditions(turn_deg=180.0))
    turned = answer(page, recogniser)
    assert (tuple(turned.lines), turned.accepted, turned.hints) == (lines, True, [Why.UPSIDE_DOWN.value])
    blurred = answer(shot(PageConditions(blur_px=6.0))[1], recogniser)
    assert (blurred.accepted, bool(blurred.reason)) == (False, True)


def test_what_is_cut_off_is_no_request_and_a_longer_one_than_was_said_ends_the_child(
    recogniser: Recogniser, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    serve(io.BytesIO(HEADER.pack(1)[:-1]), recogniser)
    assert capfdbinary.readouterr().out == b""
    with pytest.raises(ValueError, match="a request of"):
        serve(io.BytesIO(HEADER.pack(PICTURE_BYTES_MAX + 1)), recogniser)


def test_there_are_words_for_every_reason() -> None:
    assert WORDS.keys() == set(Why)
    assert len(set(WORDS.values())) == len(WORDS)
