"""The exchange of a site as a program, on a machine of its own: a few minutes of marks in its memory, and nothing on its disk."""
