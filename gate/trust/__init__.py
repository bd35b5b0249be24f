"""What documents are judged against: a store of country signing certificates and revocation lists, and what fills it."""
