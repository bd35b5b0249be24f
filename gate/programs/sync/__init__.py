"""The sync program: carries what the log published to the centre, and downloads lists. No database, no device, no key of the log."""
