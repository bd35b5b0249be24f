"""A simulated sensor that says whether a person stands before it, and what it can do wrong."""
