"""Creates the devices that a configuration names; only this package does."""
