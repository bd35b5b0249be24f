"""A site's written rules: how they are spelt, what no file of them may hold, and whom they would concern before they are in force."""
