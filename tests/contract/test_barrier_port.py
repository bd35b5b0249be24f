"""Every barrier driver of ours is held to what authors of others are held to, too."""

from gate_contract.barrier import *  # noqa: F403 - its tests
