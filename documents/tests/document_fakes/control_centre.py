"""A control centre in process: certificates and key of the simulated country, and the ways in which one disappoints."""

from __future__ import annotations

from collections.abc import Callable

from gate_documents.authenticity.terminal_authentication import CentreRequest, ChainRequest, SignatureRequest
from hardware_sim.passport.terminals import TerminalChain


class FakeCentre:
    """Answers as the owner of this chain would. `chain_of` and `signature_of` tamper with the answers; None says nothing."""

    def __init__(
        self,
        chain: TerminalChain,
        *,
        chain_of: Callable[[bytes], bytes | None] = lambda certificates: certificates,
        signature_of: Callable[[bytes], bytes | None] = lambda signature: signature,
    ) -> None:
        self.chain = chain
        self.asked: list[CentreRequest] = []
        self._chain_of = chain_of
        self._signature_of = signature_of

    def __call__(self, request: CentreRequest) -> bytes | None:
        self.asked.append(request)
        match request:
            case ChainRequest():
                return self._chain_of(b"".join(self.chain.certificates))
            case SignatureRequest(_, message):
                return self._signature_of(self.chain.key.sign(message))
