"""Figures of a log: totals, random checks, groups."""
