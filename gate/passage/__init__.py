"""The crossing. Pure: standard library only, no I/O and no clock, so that an auditor can replay it years later."""
