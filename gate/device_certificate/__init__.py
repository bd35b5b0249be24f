"""A gate's identity at the central server: its key and certificate, the authorities that it trusts, and where systemd keeps its secrets sealed."""
