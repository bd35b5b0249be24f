"""What integration tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from fakes.chromium import chromium
from playwright.async_api import Browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of a file."""
    async with chromium() as made:
        yield made
