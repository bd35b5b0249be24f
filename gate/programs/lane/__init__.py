"""The lane program: runs the crossing, from document to passage. Has no network, no pixels and no key of the log."""
