"""What is known of a crossing, in the words that programs share."""
