"""`python -m gate_core`: the `gate` command of whatever is installed."""

from gate_core.command_line.main import main

main()
