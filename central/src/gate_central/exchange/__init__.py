"""A site's exchange, which knows for minutes which documents its gates have read."""
