"""The simulated barrier: a controller with Modbus RTU, its leaf, its beams and the bodies that walk through.

docs/protocols/barrier-modbus.md describes the register map.
"""
