"""`python -m pictures.tour`: the moving picture of the tour in docs/img, taken from the real pages while a whole gate plays it.

Somebody decides in the third scene. What stands still for long is cut short: the tour takes minutes, and the picture shows each thing once.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from fakes.tour_watcher import decide, until_scene, watched
from PIL import Image
from playwright.async_api import Page

IMG: Final = Path(__file__).parents[2] / "docs" / "img"
SIZE: Final = (960, 540)
EVERY_S: Final = 0.5
STILL_MS: Final = 3000  # what does not change is shown for so long at most
END_MS: Final = 6000
LIKE: Final = 0.35  # mean difference of levels below which two pictures are one: seconds count on, nothing else
BYTES_MAX: Final = 2_000_000
QUALITIES: Final = (70, 60, 50, 40, 30, 20)


@dataclass(slots=True)
class Camera:
    """Takes the pictures; `shots` are those that differ, and for how long each is shown, in milliseconds."""

    shots: list[tuple[Image.Image, int]] = field(default_factory=list)

    async def look(self, page: Page) -> None:
        """From the first scene to the last page."""
        await page.emulate_media(reduced_motion="reduce")  # or the invitation would move all the time
        await until_scene(page, 1)
        deciding = asyncio.ensure_future(self._decide(page))
        while not await page.is_visible("#closing"):
            await self._take(page)
            await asyncio.sleep(EVERY_S)
        await deciding
        await self._take(page)

    async def _decide(self, page: Page) -> None:
        await until_scene(page, 3)
        await decide(page, reads_s=2.0)

    async def _take(self, page: Page) -> None:
        shot = Image.open(io.BytesIO(await page.screenshot())).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
        if self.shots and _difference(self.shots[-1][0], shot) < LIKE:
            before, lasts_ms = self.shots[-1]
            self.shots[-1] = (before, min(STILL_MS, lasts_ms + int(EVERY_S * 1000)))
        else:
            self.shots.append((shot, int(EVERY_S * 1000)))


def _difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).mean())


def animated(shots: list[tuple[Image.Image, int]]) -> bytes:
    """One WebP, in the best quality that fits. Raises ValueError when none does."""
    first, *rest = [shot for shot, _ in shots]
    lasting = [lasts_ms for _, lasts_ms in shots[:-1]] + [END_MS]
    for quality in QUALITIES:
        file = io.BytesIO()
        first.save(
            file,
            "WEBP",
            save_all=True,
            append_images=rest,
            duration=lasting,
            loop=0,
            quality=quality,
            method=4,
            minimize_size=True,
        )
        if file.tell() <= BYTES_MAX:
            return file.getvalue()
    raise ValueError(f"{len(shots)} pictures are larger than {BYTES_MAX} bytes in every quality")


async def main() -> None:
    """Make the picture."""
    camera, folder = Camera(), Path(tempfile.mkdtemp(prefix="gate-"))
    try:
        result, _ = await watched(folder, camera.look)
    finally:
        shutil.rmtree(folder)
    if not result.as_expected:
        raise SystemExit("the tour went otherwise than it should: the picture stays as it is")
    (IMG / "tour.webp").write_bytes(animated(camera.shots))


if __name__ == "__main__":
    asyncio.run(main())
