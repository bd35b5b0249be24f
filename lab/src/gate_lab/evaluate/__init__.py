"""Programs that measure the gate's results with its models. They import the gate; nothing imports them."""
