"""A document camera over a bed, and the pages that travellers lay on it: drawn, laid, seen and streamed.

Everything that is printed here is invented and in the public domain; no page looks like that of any state.
"""
