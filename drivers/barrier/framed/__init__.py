"""Barrier boards that speak short frames over RS-485, each described by a profile."""
