"""What a command says where the simulator is not installed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from gate.cli.models import OF_PACKAGE
from gate_core.command_line.output import Exit, fail


def must_be_installed() -> None:
    """End with what to do when there is no simulator beside this program."""
    if importlib.util.find_spec("hardware_sim") is None:
        fail(Exit.UNREACHABLE, f"the simulator is not installed: {remedy(Path(sys.prefix))}")


def remedy(environment: Path) -> str:
    """What brings it into this environment: it goes with the version that a package laid, and with a checkout."""
    if not environment.is_relative_to(OF_PACKAGE.parent):
        return "run scripts/setup in the checkout"
    if environment == OF_PACKAGE:
        return "install the package portcullis-simulator"
    return "it goes with the package's own version of the gate, and this one is an update's"
