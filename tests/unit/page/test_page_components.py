"""All components of a mask at once are what a walk through the pixels of each would find."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from gate.page.picture.bars import widest

Mask = npt.NDArray[np.uint8]


def masks() -> list[Mask]:
    """Speckles of every density, blobs with holes, nothing, everything, and one row."""
    random = np.random.default_rng(8)
    speckled = [(random.random((24, 60)) < share).astype(np.uint8) for share in (0.02, 0.2, 0.5, 0.8)]
    smooth = cv2.GaussianBlur(random.random((90, 140), np.float32), (0, 0), 3)
    blobs = ((smooth > 0.48) & (smooth < 0.52)).astype(np.uint8)
    return [*speckled, blobs, np.zeros((9, 40), np.uint8), np.ones((9, 40), np.uint8), np.ones((1, 40), np.uint8)]


@pytest.mark.parametrize("number", range(len(masks())))
def test_every_component_has_its_own_columns_and_middles(number: int) -> None:
    mask = masks()[number]
    found = widest(mask, width_min_px=3, count_max=1000, columns_max=1000)
    count, labels = cv2.connectedComponents(mask)
    walked = []
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        if np.ptp(columns) + 1 >= 3:
            own = np.unique(columns)
            middles = [float(rows[columns == column].mean()) for column in own]
            left = int(own[0])
            walked.append((left, int(own[-1]) + 1, len(rows) / len(own), (own - left).tolist(), middles))
    seen = [
        (int(left), int(right), float(thickness), columns[there].tolist(), pytest.approx(middles[there].tolist()))
        for left, right, thickness, columns, middles, there in zip(
            found.left, found.right, found.thickness, found.columns, found.middles, found.there, strict=True
        )
    ]
    assert sorted(walked) == sorted(seen, key=lambda one: one[:4])
    widths = found.right - found.left
    assert np.all(widths[:-1] >= widths[1:])


def test_no_more_components_and_columns_are_kept_than_are_wanted() -> None:
    mask = np.zeros((40, 500), np.uint8)
    for row in range(0, 40, 2):
        mask[row, : 300 + 5 * row] = 1
    found = widest(mask, width_min_px=310, count_max=4, columns_max=100)
    assert found.right.tolist() == [490, 480, 470, 460]
    assert found.there.sum(axis=1).tolist() == [123, 120, 118, 115], "every fourth column"
    assert found.columns[0, :3].tolist() == [0, 4, 8]
