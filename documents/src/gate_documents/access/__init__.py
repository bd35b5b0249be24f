"""Access to the files of a chip: commands, Basic Access Control, secure messaging, reading (ICAO 9303-10, 9303-11)."""
