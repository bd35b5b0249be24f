"""What a control centre answers: certificates to whoever names its authority, signatures with the key below them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardware_sim.centre.faults import Fault
from hardware_sim.centre.frames import Value
from hardware_sim.passport.publications import Publications
from hardware_sim.passport.terminal_keys import Algorithm
from hardware_sim.passport.terminals import READS_IRISES, TerminalChain


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers one question at a time. Silence, pauses and nonsense are the server's affair."""

    chains: Sequence[TerminalChain]
    fault: Fault = Fault.NONE

    def answer(self, question: dict[str, Value]) -> dict[str, Value]:
        """The message that answers this one."""
        if self.fault is Fault.REFUSES:
            return _refusal("not today")
        wants_chain = question.get("type") == "ChainWanted"
        if self.fault is Fault.OTHER_ANSWER:
            chain = self.chains[0]
            return _signature(chain.key.sign(b"")) if wants_chain else _certificates(chain)
        return self._chain(question) if wants_chain else self._signature(question)

    def _chain(self, question: dict[str, Value]) -> dict[str, Value]:
        authorities = question.get("authorities")
        for chain in self.chains:
            if isinstance(authorities, list) and chain.authority_reference.decode("latin-1") in authorities:
                return _certificates(chain)
        return _refusal("no certificates below these authorities")

    def _signature(self, question: dict[str, Value]) -> dict[str, Value]:
        message = question.get("message")
        for chain in self.chains:
            if chain.holder_reference.decode("latin-1") == question.get("holder") and isinstance(message, bytes):
                if self.fault is Fault.REFUSES_TO_SIGN:
                    break
                signature = chain.key.sign(message)
                if self.fault is Fault.WRONG_SIGNATURE:
                    signature = signature[:-1] + bytes((signature[-1] ^ 1,))
                return _signature(signature)
        return _refusal("no such inspection system")


def answers_of(country: Publications, fault: Fault, algorithms: Sequence[Algorithm] = ("ecdsa",)) -> Answers:
    """The centre of a country, with a chain for each algorithm."""
    rights = {"rights": READS_IRISES} if fault is Fault.WITHOUT_RIGHT else {}
    chains = [
        country.terminal_chain(
            algorithm=algorithm, expired=fault is Fault.EXPIRED, forged=fault is Fault.FORGED, **rights
        )
        for algorithm in algorithms
    ]
    return Answers(chains, fault)


def _certificates(chain: TerminalChain) -> dict[str, Value]:
    return {"type": "Chain", "certificates": list(chain.certificates)}


def _signature(signature: bytes) -> dict[str, Value]:
    return {"type": "Signature", "signature": signature}


def _refusal(reason: str) -> dict[str, Value]:
    return {"type": "NotGranted", "reason": reason}
