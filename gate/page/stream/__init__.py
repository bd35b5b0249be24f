"""A document camera or scanner in permanent use: frames and their times in, events out: arrival, reading, removal."""
