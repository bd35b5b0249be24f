"""A reader of ours is held to what authors of others are held to."""

from gate_contract.mrz_reader import *  # noqa: F403 - its tests
