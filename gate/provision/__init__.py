"""A technician's way from a bare machine to a gate: pure plans, and the steps that carry them out."""
