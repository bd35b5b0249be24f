"""The people of the simulated world: identities with a passport portrait and live frames."""

from hardware_sim.faces.identity import Identity, identities

__all__ = ["Identity", "identities"]
