"""`python -m gate.cli`, for machines where the `gate` script is not on the path."""

from gate.cli import main

main()
