"""The simulated barrier: a controller that speaks Modbus RTU, its leaf, its beams and the bodies that walk through.

The register map is docs/protocols/barrier-modbus.md.
"""
