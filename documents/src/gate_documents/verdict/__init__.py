"""The result of one document: findings while it is read, then every check with its result (BSI TR-03135-1 §5)."""
