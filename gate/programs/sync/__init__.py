"""The sync program: sends the published log to the central server, downloads lists. No database, device or log key."""
