"""The commands of the operator's machine: `gate central`, `gate exchange`."""
