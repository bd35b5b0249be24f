"""The hall before a two-door lane: a board at each door, a sensor unit in between, and the people who enter and leave.

One person is one body all the way: before the first leaf, between the doors, before the last one. `between` tracks the
position; the boards' beams and the counter see the bodies.
"""
