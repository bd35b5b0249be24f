"""A page of a document to the lines of its MRZ: locate, rectify, recognise, decode, weigh, vote.

`gate.page.picture.reader.read` looks at one picture, `gate.page.stream` at a document camera or a scanner all day.
"""
