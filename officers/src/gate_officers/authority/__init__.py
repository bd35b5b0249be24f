"""The officers' authority as a service: enrols officers' passkeys, certifies shift keys, and logs both."""
