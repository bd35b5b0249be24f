"""Draws the simulated people: a maintainer's program (`scripts/faces`).

What it draws is in `hardware_sim/faces/data`, with a digest of these sources: who changes one draws anew.
"""
