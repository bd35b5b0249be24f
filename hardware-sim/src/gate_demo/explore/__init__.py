"""The exploration of the crossing's machine: every order of events of a small world, breadth first (docs/exploration.md)."""
