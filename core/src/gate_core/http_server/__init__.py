"""HTTP over TLS 1.3 on a network: who may hold a connection, how many and for how long, and the peer's certificate.

Shared by the central server and by a gate's `screens`; what is asked belongs to their applications.
"""
