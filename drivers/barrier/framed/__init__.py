"""Barrier boards with short frames over RS-485, each described by a profile."""
