"""Carries the spool to the central mirror and brings its receipts back (docs/protocols/sync.md)."""
