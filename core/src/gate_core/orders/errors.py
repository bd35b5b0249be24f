"""Everything that reading an order may raise.

OrderError
├── MalformedError   the bytes are no order, no certificate or no key: 65 on the command line
└── ForgedError      a signature does not hold, or the authority is another one: it is nobody's order
"""

from __future__ import annotations


class OrderError(Exception):
    """An order, certificate or key that cannot be used; the message says why in one line."""


class MalformedError(OrderError):
    """Bytes that are not in the one spelling of their kind."""


class ForgedError(OrderError):
    """A signature that does not hold."""
