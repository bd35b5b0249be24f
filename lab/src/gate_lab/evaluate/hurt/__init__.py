"""Damaged pages: a test of page reading, drawn by code that shares nothing with the reader or with the training data of its model.

`texts` invents the printed text, `sheet` prints it, `harm` damages the sheet permanently, `camera` takes pictures of it, `cases`
draws which damage a page gets. `python -m gate_lab.evaluate.hurt` shows the pages to `gate.page` and counts. Seeds 1 to 9 are for
developers of the reader; a published figure comes from a seed that was never drawn before, and names it.
"""
