"""One picture of a page: the lines of its MRZ, the place of its portrait, and its faults. Nothing is kept from one picture to the next."""
