"""What every driver of a gate is held to, as tests that an author of another one imports (docs/guides/driver.md)."""
