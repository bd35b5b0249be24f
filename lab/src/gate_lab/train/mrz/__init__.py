"""Trains the MRZ recogniser on synthetic lines: `scripts/train-mrz` runs it from nothing.

`texts` invents the printed text, `glyphs` has the characters' shapes, `conditions` has the quality of print and
picture, `scene` and `camera` make the picture of one line, `samples` joins them into a strip and its labels. `net`,
`learn` and `export` need PyTorch (the extra `train`) and turn strips into the ONNX file of the manifest; `heldout`
measures the result. No real document is used.
"""
