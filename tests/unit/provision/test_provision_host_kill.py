"""The program that is to be killed says why it cannot open the leaf, and nobody waits for it then."""

from __future__ import annotations

import asyncio

import pytest
from fakes.line_bench import modbus_profile

from drivers.barrier.settings import Modbus
from gate.provision.host_kill import host_killed
from gate.provision.steps import StepError


def test_an_unplugged_cable_is_told_and_not_a_leaf_that_did_not_open() -> None:
    with pytest.raises(StepError, match="/dev/portcullis-unplugged"):
        asyncio.run(
            host_killed(Modbus(port="/dev/portcullis-unplugged"), modbus_profile("portcullis-sim"), ttl_ms=1000)
        )
