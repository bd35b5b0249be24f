"""What pages for people have in common, whoever serves them."""
