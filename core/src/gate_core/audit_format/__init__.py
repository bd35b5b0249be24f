"""The format of the audit log: records, notes, trees, sealing, and the files that carry them (C2SP)."""
