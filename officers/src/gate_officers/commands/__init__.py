"""The commands of officers' machines: `gate console`, `gate officer authority`."""
