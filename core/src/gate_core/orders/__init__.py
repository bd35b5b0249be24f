"""Officers' orders: format, challenge, sign, verify. Pure: no I/O, no clock, no randomness of its own but keys."""
