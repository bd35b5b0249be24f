"""HTTP server over TLS 1.3: limits of connections, and the peer's certificate for the application.

Shared by central, the officers' console and authority, the exchange, and a gate's `screens`.
"""
