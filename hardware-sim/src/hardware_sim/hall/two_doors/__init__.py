"""The hall before a lane of two doors: a board at each, a sensor unit between them, and the people who go in and out.

One person is one body all the way: before the first leaf, between the doors, before the last one. `between` knows where; the boards' beams and
the counter see what is there.
"""
