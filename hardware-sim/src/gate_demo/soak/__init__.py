"""The soak: one installation that lives for many simulated days, with its log, central server, lists, certificate and updates."""
