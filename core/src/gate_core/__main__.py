"""`python -m gate_core`: the `gate` command, with the groups of all installed distributions."""

from gate_core.command_line.main import main

main()
