"""Lists and registers that a document is looked up in: signed lists of several agencies, and adapters to registers that are asked online."""
