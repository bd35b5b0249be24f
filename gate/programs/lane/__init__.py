"""The lane program: the crossing, from the document to the passage. No network, no pixels, no key of the log."""
