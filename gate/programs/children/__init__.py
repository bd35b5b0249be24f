"""Child processes of the programs: how they are started, kept warm, confined and spoken with."""
