"""The simulated world around a Portcullis gate. It imports nothing of the gate, so that they share no mistake."""
