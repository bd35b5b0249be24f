"""Every adapter to a register is held to what authors of others are held to, too."""

from gate_contract.register import *  # noqa: F403 - its tests
