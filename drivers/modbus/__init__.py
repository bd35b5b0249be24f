"""Modbus for every device: frames, repeated requests, tables of addresses, one exchange on a link; over RTU or TCP."""
