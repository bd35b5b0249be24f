"""Updates: the permitted content, as a TUF repository made by an operator and verified by a gate (docs/protocols/updates.md)."""
