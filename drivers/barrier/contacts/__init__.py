"""Gates that take pulses on contacts, wired to lines of a GPIO chip."""
