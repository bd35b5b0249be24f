"""The tamper-evident audit log: the format of records, sealing, proofs, storage and publication."""
