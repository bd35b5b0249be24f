"""Client that uploads a log to a mirror (C2SP tlog-mirror)."""
