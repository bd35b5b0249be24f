"""The page's words in a real browser: each language at each size, its letters and its font, a longer one that nobody speaks, a new one."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes.chromium import IN_A_BROWSER, WAIT_MS
from fakes.kiosk_page import choose, shown
from integration.test_screens_browser import MEASURE, SIZES, _fonts_of
from playwright.async_api import Browser, Page

import gate.screens.kiosk
from gate.screens.kiosk.app import VIEWERS_MAX, Labels, create_app
from gate.screens.kiosk.board import Board
from gate.screens.kiosk.key import SECRET_LENGTH, Key
from gate.screens.kiosk.texts import Facts, Languages, Notice
from gate.screens.kiosk.view import PAGE_GUIDES, PageState, ViewState, lane_unknown, render
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.http_server.https import listen
from gate_core.programs.http import Visitors
from gate_core.programs.http import server as http_server
from gate_core.web_pages.fanout import Fanout

LOCALES = Path(gate.screens.kiosk.__file__).parent / "locales"
LANGUAGES = ("en", "fr", "ar", "zh-Hans", "de", "hi", "ru", "es")
FONTS = {"ar": "Noto Sans Arabic", "hi": "Noto Sans Devanagari", "zh-Hans": "Noto Sans CJK SC"}
ADDRESS = "https://border.example/gates/north-7/notice"
FACTS = Facts("border.example", "north-7", "privacy@border.example", ADDRESS, 30, 2, central=True)
VIEWS = [ViewState(screen, Guidance.NONE, Purpose.DEMO) for screen in Screen] + [
    ViewState(Screen.WELCOME if guidance in PAGE_GUIDES else Screen.LOOK, guidance, Purpose.DEMO)
    for guidance in Guidance
    if guidance is not Guidance.NONE
]

pytestmark = IN_A_BROWSER


@dataclass
class Kiosk:
    """An open page, and what it is told."""

    page: Page
    board: Board

    async def show(self, state: PageState) -> None:
        """Show a state, and wait until the page does."""
        self.board.show(state)
        await shown(self.page, state.screen)
        await self.page.wait_for_selector(f'h1[data-text="{state.title}"]')


@contextlib.asynccontextmanager
async def kiosk(
    browser: Browser,
    *languages: str,
    texts: Languages | None = None,
    size: str = "portrait kiosk",
    drafts: tuple[str, ...] = LANGUAGES[1:],
) -> AsyncIterator[Kiosk]:
    """The page of these languages at the welcome screen, in this process."""
    texts = texts or Languages()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    secret = "s" * SECRET_LENGTH
    board = Board(boot="boot1", state=lane_unknown(Purpose.DEMO))
    notice = Notice(texts, FACTS, languages)
    app = create_app(
        board=board,
        mirror=Fanout(clients_max=VIEWERS_MAX),
        labels=Labels(FACTS.gate, FACTS.operator, Purpose.DEMO, languages, drafts, notice),
        texts=texts,
        hosts=frozenset({f"127.0.0.1:{port}"}),
        key=Key(secret, port=port),
    )
    server = http_server(app, Visitors())
    width, height = SIZES[size]
    page = await browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.set_default_timeout(WAIT_MS)
    with contextlib.closing(listen("127.0.0.1", port)) as listener:
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        try:
            board.show(render(ViewState(Screen.WELCOME, Guidance.NONE, Purpose.DEMO)))
            await page.goto(f"http://127.0.0.1:{port}/#{secret}", wait_until="commit")
            await shown(page, Screen.WELCOME)
            yield Kiosk(page, board)
        finally:
            await page.close()
            board.close()
            server.should_exit = True
            await serving


async def whole(kiosk: Kiosk, *languages: str) -> list[str]:
    """What is wrong with any screen in these languages."""
    problems = []
    for view in VIEWS:
        await kiosk.show(render(view))
        for language in languages:
            await choose(kiosk.page, language)
            found = await kiosk.page.evaluate(MEASURE)
            problems += [f"{view.screen.value} {view.guidance.value} {language}: {text}" for text in found]
    return problems


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_is_whole_and_legible_in_all_eight_languages(browser: Browser, size: str) -> None:
    async with kiosk(browser, *LANGUAGES, size=size) as page:
        assert await whole(page, "all", *LANGUAGES) == []


@pytest.mark.long
@pytest.mark.parametrize("size", [size for size in SIZES if size != "small panel"])
async def test_axe_finds_nothing_on_any_screen_in_any_of_the_eight_languages(browser: Browser, size: str) -> None:
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
    found = []
    async with kiosk(browser, *LANGUAGES, size=size) as page:
        await page.page.evaluate(axe)
        for view in VIEWS:
            await page.show(render(view))
            for language in ("all", *LANGUAGES):
                await choose(page.page, language)
                for one in (await page.page.evaluate('axe.run({resultTypes: ["violations"]})'))["violations"]:
                    where = [node["target"] for node in one["nodes"]]
                    found.append(f"{view.screen.value} {view.guidance.value} {language}: {one['id']} {where}")
    assert found == []


async def test_the_first_screen_is_whole_in_the_languages_that_need_most_room(browser: Browser) -> None:
    async with kiosk(browser, *LANGUAGES, size="phone") as page:
        for language in ("all", "de", "ru"):
            await choose(page.page, language)
            assert await page.page.evaluate(MEASURE) == []


LONGER = str.maketrans({"a": "áá", "e": "éé", "o": "óó", "A": "ÁÁ", "E": "ÉÉ", "O": "ÓÓ"})


def longer(folder: Path) -> Languages:
    """English as a language whose sentences are some 25 % longer, and whose letters show what was not translated."""
    text = (LOCALES / "en.ftl").read_text()
    lines, depth = [], 0
    for line in text.splitlines():
        if line.startswith(("-", "#")):
            continue
        name, equals, said = ("", "", line) if depth else line.partition(" = ")
        for part in re.findall("[{}]|[^{}]+", said):
            depth += {"{": 1, "}": -1}.get(part, 0)
            equals += part if depth else part.translate(LONGER)  # a variable is not translated
        lines.append(name + equals)
    (folder / "en-XA.ftl").write_text("\n".join(lines))
    (folder / "en.ftl").write_text(text)
    return Languages(folder)


@pytest.mark.long
@pytest.mark.parametrize("size", ["portrait kiosk", "landscape kiosk", "phone"])
async def test_a_language_that_is_longer_than_english_finds_room(browser: Browser, tmp_path: Path, size: str) -> None:
    texts = longer(tmp_path)
    assert len(texts.t("en-XA", "go-hint")) > 1.2 * len(texts.t("en", "go-hint"))
    async with kiosk(browser, "en-XA", "en", texts=texts, size=size, drafts=("en-XA",)) as page:
        assert await whole(page, "en-XA") == []
        shown_words = await page.page.locator('[data-text] > [lang="en-XA"]:visible, .told p:visible').all_inner_texts()
        english = [text for text in shown_words if re.search("[aeo]", re.sub("\\u2068.*\\u2069|\\S*@\\S*", "", text))]
        assert english == []


async def test_another_language_is_one_file_and_stands_on_the_page(browser: Browser, tmp_path: Path) -> None:
    for name in ("en", "fr"):
        (tmp_path / f"{name}.ftl").write_text((LOCALES / f"{name}.ftl").read_text())
    persian = (LOCALES / "ar.ftl").read_text().replace("العربية", "فارسی").replace("-issuers = ", "-issuers = IRN ")
    (tmp_path / "fa.ftl").write_text(persian)
    texts = Languages(tmp_path)
    async with kiosk(browser, "en", "fr", "fa", texts=texts, drafts=("fr", "fa")) as page:
        assert await page.page.inner_text('[data-choose="fa"]') == "فارسی*"
        await page.show(
            render(ViewState(Screen.GO, Guidance.NONE, Purpose.DEMO, language=texts.language_of("IRN", ("en", "fa"))))
        )
        await page.page.wait_for_selector('html[data-language="fa"][dir="rtl"]')
        assert await page.page.locator("h1 > :visible").all_inner_texts() == [texts.t("fa", "go-title")]
        assert await page.page.evaluate(MEASURE) == []


async def test_a_passport_says_the_language_the_traveller_overrules_it_and_both_are_forgotten(browser: Browser) -> None:
    async with kiosk(browser, *LANGUAGES) as page:

        async def speaks(language: str) -> None:
            await page.page.wait_for_selector(f'html[data-language="{language}"]')

        def seen(screen: Screen, language: str | None = "de") -> PageState:
            return render(ViewState(screen, Guidance.NONE, Purpose.DEMO, language=language))

        await speaks("all")
        await page.show(seen(Screen.LOOK))
        await speaks("de")
        await page.page.click('[data-choose="ru"]')
        await speaks("ru")
        for screen in (Screen.WAIT, Screen.OFFICER):
            await page.show(seen(screen))
            await speaks("ru")
        await page.page.click('[data-choose="ru"]')
        await speaks("all")
        await page.show(seen(Screen.WELCOME))
        await page.show(seen(Screen.LOOK))
        await speaks("de")
        await page.show(seen(Screen.WELCOME))
        await speaks("all")
        await page.show(seen(Screen.LOOK, None))
        await speaks("all")


@pytest.mark.long
@pytest.mark.parametrize("language", FONTS)
async def test_each_script_is_shaped_in_its_own_font(browser: Browser, language: str) -> None:
    async with kiosk(browser, *LANGUAGES) as page:
        await choose(page.page, language)
        assert await _fonts_of(page.page, f'h1 > [lang="{language}"]') == {FONTS[language]}
        assert await _fonts_of(page.page, '[data-choose="en"]') == {"Noto Sans"}


async def test_the_code_on_the_page_is_read_as_the_address_of_the_notice(browser: Browser) -> None:
    async with kiosk(browser, "en") as page:
        image = await page.page.locator(".notice svg").screenshot(scale="css")
    picture = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    large = cv2.resize(picture, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    assert cv2.QRCodeDetector().detectAndDecode(large)[0] == ADDRESS
