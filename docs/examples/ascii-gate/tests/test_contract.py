"""The example's driver is held to what every driver of a barrier is held to."""

from gate_contract.barrier import *  # noqa: F403 - its tests
