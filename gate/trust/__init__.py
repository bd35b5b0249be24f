"""The trust store for judging documents: country signing certificates and revocation lists, and their import."""
