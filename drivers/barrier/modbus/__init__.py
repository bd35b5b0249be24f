"""Barrier controllers with Modbus RTU."""
