"""The recogniser of MRZ lines keeps the contract that page reading was built on: shapes, classes, contrast, what is blank.

Its strips lie in tests/vectors, so that neither a font nor PyTorch is needed.
"""

import json
import string
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import ModelRuntimeError
from models.manifest import load
from models.runtime import Session, golden_input, open_session

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
CLASSES = string.digits + string.ascii_uppercase + "<"  # class 0 is blank


@pytest.fixture(scope="module")
def session() -> Session:
    return open_session(load().model("mrz_lines"), Path("a folder that is not there"))


@pytest.fixture(scope="module")
def strips() -> np.ndarray:
    picture = cv2.imread(str(VECTORS / "mrz_lines.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return picture.reshape(-1, 1, 32, 704).astype(np.float32) / np.float32(255)


def known() -> list[tuple[str, np.ndarray]]:
    rows = json.loads((VECTORS / "mrz_lines.json").read_text())["strips"]
    return [(row["text"], np.array(row["centres_px"])) for row in rows]


def at_centres(frames: np.ndarray, centres: np.ndarray) -> str:
    """The likeliest character at each known place."""
    places = np.round((centres - 1.5) / 4).astype(int)
    return "".join(CLASSES[index] for index in frames[places, 1:].argmax(axis=1))


def test_any_number_of_strips_up_to_the_limit_gives_probabilities_for_each_frame(
    session: Session, strips: np.ndarray
) -> None:
    for rows in (1, len(strips), session.model.input.batch_max):
        (frames,) = session.run(np.resize(strips, (rows, 1, 32, 704)))
        assert frames.shape == (rows, 176, 38)
        assert frames.max() <= 0
        assert np.exp(frames).sum(axis=2) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(ModelRuntimeError):
        session.run(np.resize(strips, (session.model.input.batch_max + 1, 1, 32, 704)))


def test_the_known_lines_are_read_at_their_known_places(session: Session, strips: np.ndarray) -> None:
    (frames,) = session.run(strips)
    for (text, centres), found in zip(known(), frames, strict=True):
        assert at_centres(found, centres) == text


def test_between_characters_it_is_blank_so_that_they_can_be_counted(session: Session, strips: np.ndarray) -> None:
    (frames,) = session.run(strips)
    for (text, _), found in zip(known(), frames, strict=True):
        named = found.argmax(axis=1) != 0
        begun = int(named[0]) + int((named[1:] & ~named[:-1]).sum())
        assert abs(begun - len(text)) <= 1


def test_a_strip_is_read_alike_alone_and_among_others(session: Session, strips: np.ndarray) -> None:
    (together,) = session.run(strips)
    for strip, expected in zip(strips, together, strict=True):
        (alone,) = session.run(strip[None])
        assert alone[0] == pytest.approx(expected, abs=1e-3)


def test_contrast_and_brightness_make_no_difference(session: Session, strips: np.ndarray) -> None:
    (frames,) = session.run(strips * np.float32(0.4) + np.float32(0.3))
    for (text, centres), found in zip(known(), frames, strict=True):
        assert at_centres(found, centres) == text


def test_empty_paper_is_blank(session: Session) -> None:
    for grey in (0.0, 0.5, 1.0):
        (frames,) = session.run(np.full((1, 1, 32, 704), grey, np.float32))
        assert (frames.argmax(axis=2) == 0).all()


def test_a_line_upside_down_has_few_characters(session: Session, strips: np.ndarray) -> None:
    (frames,) = session.run(np.ascontiguousarray(strips[:, :, ::-1, ::-1]))
    assert (frames.argmax(axis=2) != 0).mean() < 0.2


def test_its_golden_values_tell_another_model(session: Session) -> None:
    """The probes fall on different classes, and are not all next to nothing."""
    (golden,) = session.model.golden
    (frames,) = session.run(golden_input(session.model))
    stride = frames.size // len(golden.probes)
    assert len({index * stride % 38 for index in range(len(golden.probes))}) == len(golden.probes)
    assert np.ptp(golden.probes) > 10 * golden.tolerance
