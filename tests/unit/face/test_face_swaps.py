"""Swaps: the same face with another document, the same document with another face, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.face.compare import pair_of, spelt, swapped
from gate.face.values import Template
from gate_core.evidence.crossing import Swap

RANDOM = np.random.default_rng(7)
SAME_MIN = 0.4


def person() -> Template:
    return near(None, 0.0)


def near(other: Template | None, likeness: float) -> Template:
    """A template that is so alike another one."""
    vector = RANDOM.normal(size=512)
    vector /= np.linalg.norm(vector)
    if other is not None:
        vector -= (vector @ other.vector) * other.vector
        vector /= np.linalg.norm(vector)
        vector = likeness * other.vector + np.sqrt(1 - likeness**2) * vector
    return Template((vector / np.linalg.norm(vector)).astype(np.float32), "m")


ANNA, BEN = person(), person()
ANNAS, BENS = near(ANNA, 0.7), near(BEN, 0.7)


@pytest.mark.parametrize(
    ("face", "portrait", "expected"),
    [
        (near(ANNA, 0.8), ANNAS, Swap.NONE),  # again with her own document
        (near(ANNA, 0.8), near(ANNA, 0.7), Swap.OTHER_DOCUMENT),  # with another one of hers
        (near(ANNA, 0.8), near(ANNAS, 0.9997), Swap.OTHER_DOCUMENT),  # which holds the same photograph, cropped
        (near(ANNA, 0.8), BENS, Swap.OTHER_DOCUMENT),
        (near(BEN, 0.8), ANNAS, Swap.OTHER_FACE),
        (near(BEN, 0.8), BENS, Swap.NONE),  # somebody else with their own
    ],
)
def test_what_came_is_held_against_what_was_referred(face: Template, portrait: Template, expected: Swap) -> None:
    assert swapped(face, portrait, [(ANNA, ANNAS)], same_face_min=SAME_MIN) == expected
    assert swapped(face, portrait, [], same_face_min=SAME_MIN) == Swap.NONE


def test_a_document_that_others_came_with_is_said_before_a_face_that_came_with_others() -> None:
    earlier = [(ANNA, BENS), (BEN, ANNAS)]
    assert swapped(near(ANNA, 0.9), ANNAS, earlier, same_face_min=SAME_MIN) == Swap.OTHER_FACE


def test_what_is_remembered_reads_back() -> None:
    face, portrait = pair_of(spelt(ANNA, ANNAS), "m")
    assert np.array_equal(face.vector, ANNA.vector)
    assert np.array_equal(portrait.vector, ANNAS.vector)
    assert swapped(face, portrait, [(ANNA, ANNAS)], same_face_min=SAME_MIN) == Swap.NONE


@given(content=st.binary(max_size=64))
def test_what_is_no_pair_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whose message it is, numpy or the template says
        pair_of(content, "m")
