"""From the picture of a document's page to the lines of its MRZ: locate, rectify, recognise, decode, weigh, vote.

`gate.page.picture.reader.read` reads one picture; `gate.page.stream` runs a document camera or a scanner permanently.
"""
