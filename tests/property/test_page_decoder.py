"""Whatever a recogniser leaves out or shifts, a line is read right or not at all; nothing wrong is ever accepted."""

import numpy as np
import pytest
from fakes.mrz_frames import Faults, blank_frames, frames_of
from fakes.page_readings import geometry
from fakes.pages import mrz_lines
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from gate.page.picture.decode import decode
from gate.page.picture.objections import counts
from gate.page.picture.text import MrzText, text_of_cuts
from gate.page.values import CLASSES, FRAMES, MrzFormat, Reading

faults = st.builds(
    Faults,
    left=st.floats(0.3, 2.6),
    right=st.floats(0.3, 2.6),
    squeeze=st.floats(-0.09, 0.09),
    jitter=st.floats(0.0, 0.07),
    lost=st.sampled_from([0.0, 0.0, 0.02, 0.1, 0.3, 0.8]),
    ghosts=st.integers(0, 4),
    noise=st.floats(0.002, 0.2),
)


def reading_of(text: MrzText) -> Reading:
    choice = text.choice
    return Reading(
        format=choice.format,
        lines=choice.lines,
        confidence=choice.confidence,
        check_digits=choice.check_digits,
        repaired=choice.repaired,
        geometry=geometry(),
        place=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)),
        crowded=text.crowded,
    )


@given(seed=st.integers(0, 2**32 - 1), mrz_format=st.sampled_from(MrzFormat), fault=faults)
def test_an_mrz_is_read_right_or_not_accepted(seed: int, mrz_format: MrzFormat, fault: Faults) -> None:
    random = np.random.default_rng(seed)
    lines = mrz_lines(random, mrz_format)
    text = text_of_cuts([decode(frames_of(line, fault, random)) for line in lines])
    if text is not None and text.credible and counts(reading_of(text)):
        assert text.choice.lines == lines


@given(seed=st.integers(0, 2**32 - 1), mrz_format=st.sampled_from(MrzFormat), squeeze=st.floats(-0.09, 0.09))
def test_an_mrz_without_losses_is_read(seed: int, mrz_format: MrzFormat, squeeze: float) -> None:
    random = np.random.default_rng(seed)
    lines = mrz_lines(random, mrz_format)
    left, right, jitter = random.uniform(0.3, 2.6), random.uniform(0.3, 2.6), random.uniform(0.0, 0.04)
    fault = Faults(left=left, right=right, squeeze=squeeze, jitter=jitter)
    text = text_of_cuts([decode(frames_of(line, fault, random)) for line in lines])
    assert text is not None
    assert text.choice.lines == lines
    assert text.credible
    assert text.choice.holds
    assert not text.crowded


@given(
    noise=npst.arrays(np.float32, (FRAMES, CLASSES), elements=st.floats(0, 20, width=32)),
    sharp=st.floats(0.1, 3.0),
)
def test_noise_is_never_accepted(noise: np.ndarray, sharp: float) -> None:
    scaled = noise.astype(np.float64) * sharp
    frames = (scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))).astype(np.float32)
    for count in (2, 3):
        text = text_of_cuts([decode(frames)] * count)
        assert text is None or not text.credible or not counts(reading_of(text))


@pytest.mark.parametrize("length", [29, 31, 35, 37, 43, 45])
def test_a_line_of_another_length_is_no_mrz_that_counts(length: int) -> None:
    line = ("L898902C36UTO7408122F1204159ZE184226B<<<<<10" * 2)[:length]
    text = text_of_cuts([decode(frames_of(line))] * 2)
    assert text is None or not counts(reading_of(text))
    assert text_of_cuts([decode(blank_frames())] * 2) is None
