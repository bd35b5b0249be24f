"""Draws the simulated people: a maintainer's program (`scripts/faces`), which no wheel carries.

What it draws is in `hardware_sim/faces/data`, with a digest of these sources: who changes one draws anew.
"""
