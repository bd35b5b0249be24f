"""The log program: the only writer of the audit log. Has no network and no device."""
