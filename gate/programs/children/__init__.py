"""Child processes of the programs: start, warm spares, sandbox and messages."""
