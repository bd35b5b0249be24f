"""A gate's identity at the central server: its key and certificate, its trusted authorities, and the secrets that systemd keeps sealed."""
