"""What running programs have in common."""
