"""What a maker needs to find out what is wrong with a gate: a tar file without anything personal, and without secrets."""
