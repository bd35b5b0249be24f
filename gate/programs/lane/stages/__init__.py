"""One file a stage: what a room found, as passage's evidence. Exhaustive, so that a new result cannot be overlooked."""
