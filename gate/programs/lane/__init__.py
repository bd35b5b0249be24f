"""The lane program: the crossing, from the document to the passage. No network, no pixels, no key of the log."""

from gate.programs.lane.program import run

__all__ = ["run"]
