"""What a gate's decisions rest on, and the persons who stand behind it."""
