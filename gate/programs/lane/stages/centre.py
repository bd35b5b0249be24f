"""What a step of an inspection asks of the control centre, as a message."""

from __future__ import annotations

from gate.channel import messages
from gate_documents.authenticity.terminal_authentication import CentreRequest, ChainRequest, SignatureRequest


def question_of(request: CentreRequest) -> messages.ToCentre:
    """The message that asks for what a step of an inspection asks for."""
    match request:
        case ChainRequest(authorities):
            return messages.ChainWanted(list(authorities))
        case SignatureRequest(holder, message):
            return messages.SignatureWanted(holder, message)
