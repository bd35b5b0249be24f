"""Sensor units of two-door lanes: people counter, left object, call button, cabinet and mains."""
