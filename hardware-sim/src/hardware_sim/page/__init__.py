"""A document camera over a bed, and the pages that travellers place on it: printed, placed, photographed and streamed.

All printed content is invented and in the public domain. No page resembles one of a real state.
"""
