"""Drives a conversation of `gate_documents` against a function that answers commands, as a reader would."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from gate_documents.access.commands import Transmit
from gate_documents.authenticity.terminal_authentication import CentreRequest, ChainRequest, SignatureRequest
from gate_documents.errors import ChipLostError
from gate_documents.inspection import Portrait

T = TypeVar("T")


class Gone(Exception):  # noqa: N818 - an event, not an error
    """Raised by a chip that was pulled out."""


def converse(
    conversation: Generator[Any, bytes | None, T],
    transmit: Callable[[bytes], bytes],
    centre: Callable[[CentreRequest], bytes | None] = lambda _: None,
) -> tuple[T, list[Portrait], list[bytes]]:
    """Carry the steps there and back; return the result, the portraits that were shown and the commands that were sent."""
    portraits: list[Portrait] = []
    sent: list[bytes] = []
    step = next(conversation)
    while True:
        try:
            match step:
                case Transmit(apdu):
                    sent.append(apdu)
                    try:
                        answer = transmit(apdu)
                    except Gone:
                        step = conversation.throw(ChipLostError("pulled out"))
                    else:
                        step = conversation.send(answer)
                case Portrait():
                    portraits.append(step)
                    step = conversation.send(None)
                case ChainRequest() | SignatureRequest():
                    step = conversation.send(centre(step))
                case other:
                    raise AssertionError(other)
        except StopIteration as end:
            return end.value, portraits, sent


def scripted(answers: Sequence[bytes]) -> Callable[[bytes], bytes]:
    """A chip that gives these answers in order, whatever it is told."""
    left = iter(answers)
    return lambda _: next(left)


def given(*values: bytes) -> Callable[[int], bytes]:
    """Randomness that gives these values in order and insists on their lengths."""
    left = iter(values)

    def random(count: int) -> bytes:
        value = next(left)
        assert len(value) == count
        return value

    return random
