"""Everything that reading an order may raise.

OrderError
├── MalformedError   invalid order, certificate or key: exit code 65 on the command line
└── ForgedError      invalid signature, or another authority: ignore the order
"""

from __future__ import annotations


class OrderError(Exception):
    """An order, certificate or key is unusable; the message gives the reason in one line."""


class MalformedError(OrderError):
    """The bytes are not the canonical encoding of their kind."""


class ForgedError(OrderError):
    """A signature is invalid."""
