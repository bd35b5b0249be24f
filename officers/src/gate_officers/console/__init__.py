"""The officers' console: many lanes on one page, the decision about a traveller, and what may be ordered."""
