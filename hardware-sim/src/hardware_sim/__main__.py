"""`python -m hardware_sim` is `gate-sim`."""

import sys

from hardware_sim.cli import main

sys.exit(main())
