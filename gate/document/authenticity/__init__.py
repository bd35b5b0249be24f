"""Is the chip genuine, and is what it says what the issuer signed: Active and Passive Authentication (ICAO 9303-11)."""
