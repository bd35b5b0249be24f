"""Visible digital seals: bar codes that an issuer has signed, on documents without a chip (ICAO 9303-13, BSI TR-03137-1)."""
