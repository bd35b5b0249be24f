"""Lists and registers to look up a document: signed lists of several agencies, and adapters to online registers."""
