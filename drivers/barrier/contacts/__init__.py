"""Gates controlled by pulses on contacts, wired to lines of a GPIO chip."""
