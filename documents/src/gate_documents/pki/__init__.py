"""Keys, certificates, signed messages and revocation lists of ICAO 9303-12, as real issuers encode them."""
