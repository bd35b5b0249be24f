"""Trains the MRZ recogniser on lines that never existed: `scripts/train-mrz` runs it from nothing.

`texts` invents what is printed, `glyphs` gives it a shape, `conditions` says how badly it is printed and seen, `scene` and
`camera` make the picture of one line, `samples` joins them into a strip and its labels. `net`, `learn` and `export` need
PyTorch (the extra `train`) and turn strips into the ONNX file of the manifest; `heldout` measures what came out.
No real document is in any of it.
"""
