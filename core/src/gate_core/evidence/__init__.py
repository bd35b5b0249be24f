"""The evidence about a crossing: types that all programs share."""
