"""Each device that a configuration means, made here and nowhere else."""
