"""`python -m gate.cli`, for machines where the `gate` script is not on the path."""

from gate_core.command_line.main import main

main()
