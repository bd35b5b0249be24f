"""The update program (gate-update): root, no network, now and then. Verifies what sync fetched, switches versions, switches back."""
