"""The example's adapter is held to what every adapter to a register is held to."""

import pytest
from ascii_gate.register import Wanted

from gate_contract.register import *  # noqa: F403 - its tests
from gate_contract.register import Make


@pytest.fixture
def register_adapter() -> Make:
    return Wanted().open
