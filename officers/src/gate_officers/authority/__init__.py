"""The officers' authority as a service: who is enrolled, with which passkey, and which shift keys it certified for them and when."""
