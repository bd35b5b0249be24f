"""The value at a rank is the one that sorting would find there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.page.picture.measure import at_share


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=60), st.floats(0, 1))
def test_it_is_the_value_that_sorting_finds(values: list[int], share: float) -> None:
    assert at_share(np.array(values, np.float32), share) == sorted(values)[int(share * (len(values) - 1))]


def test_a_picture_counts_as_all_its_pixels() -> None:
    assert at_share(np.arange(101, dtype=np.float32).reshape(1, 101), 0.95) == 95
    with pytest.raises((ValueError, IndexError)):
        at_share(np.array([], np.float32), 0.5)
