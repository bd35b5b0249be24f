"""The tamper-evident audit log: what a record is, how it is sealed, proved, stored and published."""
