"""A technician is told how long a leaf really waits for them: many a gate ends a passage by a time of its own."""

from __future__ import annotations

import pytest

from drivers.barrier.profiles import load_profile
from gate.provision.barrier import lasts_ms


@pytest.mark.parametrize(("profile", "lasts"), [("relay-8", 5_000), ("portcullis-sim", 10_000)])
def test_a_grant_lasts_as_long_as_gate_and_order_let_it(profile: str, lasts: int) -> None:
    assert lasts_ms(load_profile(profile), 10_000) == lasts
