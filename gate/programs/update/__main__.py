"""`python -m gate.programs.update VERB`."""

from gate.programs.update.program import main

main()
