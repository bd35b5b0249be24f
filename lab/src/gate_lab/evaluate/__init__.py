"""Programs that measure what the gate makes of models. They stand above it and nothing imports them."""
