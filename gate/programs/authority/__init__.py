"""The officers' authority as a program, on a machine of its own: it enrols officers' passkeys and certifies the keys of their shifts."""
