"""The tour: a whole gate in eight scenes on one page, for an audience."""
