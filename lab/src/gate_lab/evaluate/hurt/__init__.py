"""Hurt pages: a test of page reading drawn by code that shares nothing with the reader or with what its model was trained on.

`texts` invents what is printed, `sheet` prints it, `harm` damages the sheet for good, `camera` takes pictures of it, `cases` draws
which of these a page gets. `python -m gate_lab.evaluate.hurt` shows the pages to `gate.page` and counts. Seeds 1 to 9 are for whoever
changes the reader; a figure that is published comes from a seed that was never drawn before, and is named with it.
"""
