"""The commands `gate central` and `gate exchange`."""
