"""A lane of two doors in the world: what stands there, how travellers go through it, and what the judge asks of the whole lane."""
