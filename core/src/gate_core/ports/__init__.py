"""The values that hardware ports exchange."""
