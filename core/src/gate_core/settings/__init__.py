"""Files of settings, and the environment."""
