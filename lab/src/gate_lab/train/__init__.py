"""Programs that make models. They stand above everything else and nothing imports them."""
