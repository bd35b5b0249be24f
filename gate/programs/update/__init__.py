"""The update program (gate-update): runs as root, without network, on demand. Verifies downloads, switches versions."""
