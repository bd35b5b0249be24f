"""The traveller's page as a pure function of what the lane shows."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

import gate.screens.kiosk
from gate.screens.kiosk.texts import Languages
from gate.screens.kiosk.view import PageState, Pictogram, Tone, ViewState, lane_unknown, render
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.evidence.service_scope import BorderDirection

texts = Languages()
KIOSK = Path(gate.screens.kiosk.__file__).parent
PURPOSES = tuple(Purpose)
VIEWS = [ViewState(*view) for view in itertools.product(Screen, Guidance, PURPOSES)]


@pytest.mark.parametrize("language", texts.available())
def test_every_view_has_a_page_whose_words_exist_in_every_language(language: str) -> None:
    for view in VIEWS:
        page = render(view)
        words = [page.title, page.hint, *([page.mark] if page.mark else [])]
        assert all(texts.t(language, text) for text in words)
        assert page.screen is view.screen


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("screen", [screen for screen in Screen if screen not in (Screen.WELCOME, Screen.LOOK)])
def test_no_screen_after_the_look_changes_with_the_guidance(screen: Screen, purpose: Purpose) -> None:
    pages = {render(ViewState(screen, guidance, purpose)) for guidance in Guidance}
    assert len(pages) == 1


def test_each_guidance_has_words_and_a_drawing_of_its_own_on_one_screen() -> None:
    for screen, begins in ((Screen.WELCOME, "page_"), (Screen.LOOK, "")):
        plain = render(ViewState(screen, Guidance.NONE, Purpose.DEMO))
        guided = [
            page
            for guidance in Guidance
            if (page := render(ViewState(screen, guidance, Purpose.DEMO))).title != plain.title
        ]
        wanted = [one for one in Guidance if one.value.startswith("page_") is bool(begins)]
        silent = () if begins else (Guidance.NONE, Guidance.LOOK_AT_CAMERA)  # nothing to correct: look at the camera
        assert len(guided) == len(wanted) - len(silent)
        assert len({page.title for page in guided}) == len({page.pictogram for page in guided}) == len(guided)


def test_only_the_go_screen_shows_the_way_through() -> None:
    for view in VIEWS:
        page = render(view)
        assert (page.tone is Tone.GO) == (view.screen is Screen.GO)
        assert (page.pictogram is Pictogram.WALK) == (view.screen is Screen.GO)


def test_the_camera_shows_on_the_look_screen_only_and_the_notice_comes_before_it() -> None:
    for view in VIEWS:
        page = render(view)
        assert page.preview == (view.screen is Screen.LOOK)
        assert page.notice == (view.screen is Screen.WELCOME)


def test_only_the_look_tells_how_far_it_has_come() -> None:
    for view in VIEWS:
        assert render(replace(view, progress=7)).progress == (7 if view.screen is Screen.LOOK else 0)


def test_an_officer_is_offered_to_whom_the_camera_cannot_see_and_to_nobody_else() -> None:
    offered = {view.guidance for view in VIEWS if render(view).offer and view.screen is Screen.LOOK}
    assert offered == {Guidance.MOVE_UP, Guidance.LOOK_AT_CAMERA}
    assert not any(render(view).offer for view in VIEWS if view.screen is not Screen.LOOK)


def test_every_screen_is_marked_outside_service() -> None:
    expected = {"demo": "mark-demo", "trial": "mark-trial", "service": None}
    for view in VIEWS:
        assert render(view).mark == expected[view.purpose]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_lane_that_nobody_hears_looks_like_any_referral(purpose: Purpose) -> None:
    assert lane_unknown(purpose) == render(ViewState(Screen.OFFICER, Guidance.HOLD_STILL, purpose))


def test_the_way_has_three_steps_and_none_where_there_is_no_way_onward() -> None:
    steps = {screen: render(ViewState(screen, Guidance.NONE, Purpose.DEMO)).step for screen in Screen}
    assert steps == {
        Screen.CLOSED: None,
        Screen.WELCOME: 1,
        Screen.LOOK: 2,
        Screen.WAIT: 2,
        Screen.GO: 3,
        Screen.OFFICER: None,
        Screen.OTHER_LANE: None,
        Screen.EMERGENCY: None,
    }


def test_every_screen_says_whom_the_lane_serves_where_it_has_words_for_it() -> None:
    for screen, (direction, travellers, signs) in itertools.product(
        Screen,
        (
            (None, "all", ()),
            (BorderDirection.EXIT, "all", ("exit",)),
            (BorderDirection.ENTRY, "eu", ("entry", "eu")),
            (None, "entry", ()),  # a group of the site's own has the site's own signs, whatever its name
        ),
    ):
        assert render(ViewState(screen, Guidance.NONE, Purpose.DEMO, direction, travellers)).signs == signs
    page = (KIOSK / "templates" / "page.html").read_text()
    assert set(re.findall(r'data-sign="(\w+)"', page)) == {"entry", "exit", "eu"}


def test_the_page_speaks_a_travellers_language_while_somebody_is_served_and_all_of_them_to_everybody_else() -> None:
    served = {
        screen for screen in Screen if render(ViewState(screen, Guidance.NONE, Purpose.DEMO, language="de")).language
    }
    assert served == {Screen.LOOK, Screen.WAIT, Screen.GO, Screen.OFFICER, Screen.OTHER_LANE}


def test_the_browser_receives_plain_words_and_every_field() -> None:
    page = render(ViewState(Screen.LOOK, Guidance.COME_CLOSER, Purpose.TRIAL))
    assert page.as_json() == {
        "screen": "look",
        "title": "guide-come-closer",
        "hint": "look-hint",
        "pictogram": "closer",
        "tone": "calm",
        "step": 2,
        "preview": True,
        "progress": 0,
        "offer": False,
        "notice": False,
        "mark": "mark-trial",
        "signs": [],
        "language": None,
    }
    assert set(page.as_json()) == set(PageState.__slots__)
    assert replace(page, mark=None).as_json()["mark"] is None


@pytest.mark.parametrize("pictogram", Pictogram)
def test_every_pictogram_is_drawn_and_takes_its_colours_from_the_page(pictogram: Pictogram) -> None:
    drawing = (KIOSK / "templates" / "pictograms" / f"{pictogram.value}.svg").read_text()
    assert drawing.startswith('<svg viewBox="0 0 240 240"')
    assert not any(word in drawing for word in ("fill=", "stroke=", "#", "style", "http", "id="))


def test_no_drawing_is_left_over() -> None:
    drawn = {path.stem for path in (KIOSK / "templates" / "pictograms").iterdir()}
    assert drawn == {pictogram.value for pictogram in Pictogram}


def test_every_tone_but_the_default_has_colours_in_the_style_sheet() -> None:
    style = (KIOSK / "static" / "page.css").read_text()
    for tone in set(Tone) - {Tone.CALM}:
        assert f':root[data-tone="{tone.value}"]' in style
