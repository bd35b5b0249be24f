"""The central server: mirrors every gate's log, enrols gates, shows the fleet (docs/protocols/sync.md)."""
