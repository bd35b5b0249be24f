"""The log program: the only writer of the audit log. No network, no device."""
