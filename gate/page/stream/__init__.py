"""A document camera or scanner all day: frames and their times in, what came, what it says and when it left out."""
