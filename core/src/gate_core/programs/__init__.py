"""Shared by the running programs: clock, journal, HTTP, process control, reconnecting."""
