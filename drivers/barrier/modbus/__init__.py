"""Barrier controllers that speak Modbus RTU."""
