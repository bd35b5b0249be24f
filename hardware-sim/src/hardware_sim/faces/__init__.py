"""The people of the simulated world: identities with a passport portrait and live frames."""
