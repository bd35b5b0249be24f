"""Shared by the commands: options, output, key files, and the `gate` command itself."""
