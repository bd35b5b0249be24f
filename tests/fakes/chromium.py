"""The browser in which tests look at pages, and what every page must fulfil in it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
WAIT_MS = 10_000
NEEDED = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}: apt-get install chromium")
# Of a file whose tests share a browser, which is the fixture `browser`.
IN_A_BROWSER = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), NEEDED]


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser of one's own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        await browser.close()


def measuring(rest: str, *, unseen: str = ".none", landmarks: str = "main") -> str:
    """A script that lists a page's problems: WCAG 2.2 AA at a contrast of 7, the room it has, and `rest`, which is told `texts`.

    `unseen` selects what is there for machines alone, `landmarks` in what all words must stand.
    """
    return f"""() => {{
  const [unseen, landmarks] = [{unseen!r}, {landmarks!r}];
{_LEGIBLE}{rest}  return problems;
}}"""


_LEGIBLE = """
  const problems = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) problems.push(`wider than the screen by ${root.scrollWidth - innerWidth}`);
  const visible = (element) => element.checkVisibility({visibilityProperty: true});
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    const over = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1)
        return over.reduceRight((below, [r, g, b, a]) => [r, g, b].map((v, i) => v * a + below[i] * (1 - a)), colour);
      if (colour[3] > 0) over.push(colour);
    }
    return [255, 255, 255];
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const [node, text, element] = [walker.currentNode, walker.currentNode.data.trim(), walker.currentNode.parentElement];
    if (!text || !visible(element) || element.closest(unseen)) continue;
    const [a, b] = [luminance(rgb(getComputedStyle(element).color)), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 7) problems.push(`contrast ${contrast.toFixed(2)}: ${text}`);
    if (!element.closest(landmarks)) problems.push(`outside the landmarks: ${text}`);
    texts.push([text, element, node]);
  }
  if (document.querySelectorAll("h1").length !== 1) problems.push("not one h1");
  if (!document.title || !root.lang) problems.push("no title or language");
"""
