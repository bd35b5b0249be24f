"""A two-door lane in the world: its devices, how travellers pass it, and what the judge checks of the whole lane."""
