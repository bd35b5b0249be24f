"""Support data for the maker of a gate: a tar file without personal data and secrets."""
