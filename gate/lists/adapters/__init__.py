"""Adapters to online registers: each converts a question into one exchange with a register, and its answer into ours."""
