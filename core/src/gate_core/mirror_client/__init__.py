"""Carries a log to a mirror (C2SP tlog-mirror)."""
