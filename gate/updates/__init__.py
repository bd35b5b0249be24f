"""Updates: what may be installed, as a TUF repository that an operator makes and a gate verifies (docs/protocols/updates.md)."""
