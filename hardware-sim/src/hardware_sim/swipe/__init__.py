"""The simulated swipe reader for machine-readable zones (Elyctis ID BOX One command set)."""
