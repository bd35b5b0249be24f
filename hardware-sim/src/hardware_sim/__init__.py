"""The world around a Portcullis gate, simulated. Imports nothing of the gate, so that no mistake is shared."""
