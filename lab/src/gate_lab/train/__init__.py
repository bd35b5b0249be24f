"""Programs that train models. They import the gate; nothing imports them."""
