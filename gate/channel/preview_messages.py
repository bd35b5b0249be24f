"""Messages between the screens and the vision program, on channel `preview`. Types, unions and bounds: `gate.channel.table`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gate.channel.message import Message, Milliseconds


class WantPreview(Message, frozen=True):
    """True if a page shows the preview, False if none does."""

    on: bool


class ShowTint(Message, frozen=True):
    """Give the page this pale colour from now on. A crossing's tints count from 1."""

    number: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    colour: Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-f]{6}$")]


class TintShown(Message, frozen=True):
    """Every open page has painted this tint."""

    number: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    at_ms: Milliseconds  # CLOCK_MONOTONIC of the last page's report, in milliseconds


class Preview(Message, frozen=True):
    """One preview frame as JPEG, 640 pixels wide at most."""

    jpeg: bytes


ToPreview = WantPreview | TintShown
FromPreview = Preview | ShowTint
