"""What all programs share: runner, configuration, status, supervision, and creation of the configured devices."""
