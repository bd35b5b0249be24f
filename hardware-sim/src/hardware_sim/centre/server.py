"""The control centre: certificates for requests with its authority's name, signatures, and faults on request.

One thread for each client, at most eight, one message at a time. A client that breaks the protocol is disconnected.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hardware_sim.centre import Fault, FrameError
from hardware_sim.centre.frames import Value, decode, encode
from hardware_sim.local_server import LocalServer
from hardware_sim.passport.publications import Publications
from hardware_sim.passport.terminal_keys import Algorithm
from hardware_sim.passport.terminals import READS_IRISES, TerminalChain

_READ_BYTES: Final = 4096
_NONSENSE: Final = b"\x00\x00\x00\x04what"


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers one request at a time. The server handles silence, pauses and invalid bytes."""

    chains: Sequence[TerminalChain]
    fault: Fault = Fault.NONE

    def answer(self, question: dict[str, Value]) -> dict[str, Value]:
        """Return the answer to a request."""
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
    """Return the answers of a country's centre, with a chain for each algorithm."""
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


class CentreServer(LocalServer):
    """The control centre's server."""

    def __init__(self, path: Path, answers: Answers, *, pause_s: float = 5.0) -> None:
        self._answers = answers
        self._pause_s = pause_s
        super().__init__(path, self._speak)

    def _speak(self, client: socket.socket, stopping: threading.Event) -> None:
        client.settimeout(0.1)  # the time in which a client's thread notices that the server stops
        buffer = b""
        with contextlib.suppress(OSError, FrameError):
            while not stopping.is_set():
                question, used = decode(buffer)
                if question is not None:
                    buffer = buffer[used:]
                    answer = self._bytes_of(self._answers.answer(question), stopping)
                    if answer:
                        client.sendall(answer)
                    continue
                try:
                    read = client.recv(_READ_BYTES)
                except TimeoutError:
                    continue
                if not read:
                    break
                buffer += read

    def _bytes_of(self, answer: dict[str, Value], stopping: threading.Event) -> bytes:
        if self._answers.fault is Fault.SILENT:
            return b""
        if self._answers.fault is Fault.NONSENSE:
            return _NONSENSE
        if self._answers.fault is Fault.SLOW:
            stopping.wait(self._pause_s)
        return encode(answer)
