"""What may be wrong with an approval. Whoever catches it ends, or says so to a person: the message says what to do."""

from __future__ import annotations


class ApprovalError(Exception):
    """No approval, no list of approvers or no canonical text, or not the one that is asked for."""
