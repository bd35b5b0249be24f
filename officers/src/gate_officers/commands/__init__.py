"""The commands `gate console` and `gate officer authority`."""
