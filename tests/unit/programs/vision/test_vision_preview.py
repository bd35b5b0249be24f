"""Previews are forwarded and not kept: once a picture was sent, vision holds it no more."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any, cast

from gate.channel import preview_messages
from gate.channel.message import Message
from gate.programs.vision.program import Vision


class Screen:
    """A screen that wants the preview, and counts what it gets."""

    def __init__(self) -> None:
        self.got = 0
        self.gone = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[preview_messages.ToPreview]:
        yield preview_messages.WantPreview(on=True)
        await self.gone.wait()

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)
        self.got += isinstance(message, preview_messages.Preview)


async def test_a_picture_that_was_forwarded_is_held_no_more() -> None:
    vision, screen, jpeg = Vision(spare=cast("Any", None), missing=cast("Any", None)), Screen(), os.urandom(4096)
    serving = asyncio.ensure_future(vision.serve_screen(cast("Any", screen)))
    async with asyncio.timeout(5):
        while not vision._preview_wanted:  # noqa: ASYNC110 - a property sends no event
            await asyncio.sleep(0)
        before = sys.getrefcount(jpeg)
        vision._show(jpeg)
        assert sys.getrefcount(jpeg) > before
        while not screen.got:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sys.getrefcount(jpeg) == before
        screen.gone.set()
        await serving
