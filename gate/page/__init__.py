"""A picture of a page to the lines of its machine-readable zone: locate, rectify, recognise, decode, weigh, vote.

`gate.page.reader.read` looks at one picture, `gate.page.live.LiveReader` at the frames of a camera.
"""
