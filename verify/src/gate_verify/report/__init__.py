"""What a log comes to: figures, random checks, groups."""
