"""Modbus, for every device that speaks it: frames, requests that are repeated, tables of addresses, one exchange on a link; over RTU or TCP."""
