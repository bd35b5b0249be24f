"""A site's written rules: their file format, what they must not contain, and their impact before they are in force."""
