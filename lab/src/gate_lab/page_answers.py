"""What the child that decodes and reads single pictures of pages says: first whether it is ready, then an answer a picture."""

from __future__ import annotations

import msgspec


class Ready(msgspec.Struct, frozen=True):
    """Whether it can read, and why not; `bytes_max` is how large a picture it takes."""

    ready: bool
    reason: str = ""
    bytes_max: int = 0


class PageAnswer(msgspec.Struct, frozen=True):
    """What a picture shows, or why it shows nothing. What was not looked for is left out when it is written."""

    found: bool = False
    accepted: bool = False
    reason: str = ""
    format: str | None = None
    lines: list[str] = []
    check_digits: dict[str, bool] = {}
    confidence: float | None = None
    took_ms: float = 0.0
    repaired: bool | msgspec.UnsetType = msgspec.UNSET
    hints: list[str] | msgspec.UnsetType = msgspec.UNSET
    alternatives: list[list[str]] | msgspec.UnsetType = msgspec.UNSET
