"""Simulated pages: printed as ICAO 9303 has them, laid in every way, streamed as a document camera does."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.page.picture.reader import LineRecogniser, open_recogniser, read
from gate.page.values import NoReading, Reading, Why
from hardware_sim.page import printing
from hardware_sim.page.laid_pages import Printed, laid_pages
from hardware_sim.page.placement import SIZE_PX, Bed, Manner, PlacedPage
from hardware_sim.page.printing import FontMissingError, Page, Size, cover, printed
from hardware_sim.passport import mrz
from hardware_sim.passport.issuer import Person
from hardware_sim.scenario import Kind, Lay, ScenarioError, parse_scenario, read_scenarios, scenario_folder

HOLDER = Person("ERIKSSON", "ANNA MARIA", "L898902C3", "UTO", "F", date(1990, 8, 12), date(2030, 4, 15))


def lines(size: mrz.Size = "TD3") -> tuple[str, ...]:
    return mrz.lines(
        issuer="UTO",
        surname=HOLDER.surname,
        given=HOLDER.given,
        number=HOLDER.number,
        nationality="UTO",
        birth=HOLDER.birth,
        sex="F",
        expiry=HOLDER.expiry,
        size=size,
    )


def portrait() -> bytes:
    oval = np.full((480, 360, 3), 210, np.uint8)
    cv2.ellipse(oval, (180, 230), (90, 130), 0, 0, 360, (120, 140, 190), -1)
    return cv2.imencode(".jpg", oval)[1].tobytes()


PASSPORT = Page(Size.TD3, lines(), portrait())


@pytest.fixture(scope="module")
def recogniser() -> LineRecogniser:
    return open_recogniser(Path("a folder that is not there"))


@pytest.mark.parametrize("size", list(Size))
def test_a_page_has_the_size_that_icao_gives_it(size: Size) -> None:
    page = Page(size, lines("TD1") if size is Size.TD1 else lines())
    height, width = printed(page).shape[:2]
    assert (width, height) == tuple(round(side * printing.PX_PER_MM) for side in size.mm)


def test_equal_pages_print_alike_and_the_mrz_is_the_difference_between_two() -> None:
    assert np.array_equal(printed(PASSPORT), printed(replace(PASSPORT)))
    bare = printed(replace(PASSPORT, has_mrz=False))
    differing = np.flatnonzero((printed(PASSPORT) != bare).any(axis=(1, 2)))
    assert differing.min() > 0.75 * bare.shape[0]


def test_the_portrait_is_printed_in_its_place() -> None:
    without = printed(replace(PASSPORT, portrait=None))
    left, top, width, height = (round(mm * printing.PX_PER_MM) for mm in (6, 16, 35, 45))
    there = printed(PASSPORT)[top : top + height, left : left + width].astype(int)
    assert np.abs(there - without[top : top + height, left : left + width]).mean() > 15


def test_a_portrait_that_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="no picture"):
        printed(replace(PASSPORT, portrait=b"nothing"))


def test_a_missing_typeface_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "FONT", Path("/nowhere/OCRB.otf"))
    with pytest.raises(FontMissingError, match="fonts-ocr-b"):
        printed(replace(PASSPORT, title="printed when there is no typeface"))


def test_nothing_that_holds_a_holder_shows_them() -> None:
    document = Printed(HOLDER, Kind.PASSPORT, lines(), portrait())
    assert "ERIKSSON" not in repr(PASSPORT) + repr(document) + repr(PlacedPage(PASSPORT))


@pytest.mark.parametrize("manner", [Manner.FLAT, Manner.UPSIDE_DOWN, Manner.FAR])
@pytest.mark.parametrize("size", ["TD3", "TD1"])
def test_a_page_that_can_be_read_says_its_mrz(manner: Manner, size: mrz.Size, recogniser: LineRecogniser) -> None:
    page = PASSPORT if size == "TD3" else Page(Size.TD1, lines("TD1"))
    seen = read(PlacedPage(page, manner).picture(0), recogniser, any_rotation=False)
    assert isinstance(seen, Reading)
    assert seen.lines == page.lines
    assert (Why.UPSIDE_DOWN in seen.hints) is (manner is Manner.UPSIDE_DOWN)


@pytest.mark.parametrize("manner", [Manner.SIDEWAYS, Manner.FACE_DOWN, Manner.COVERED, Manner.GLARE, Manner.MOVING])
def test_a_page_that_is_laid_badly_is_not_read_in_passing(manner: Manner, recogniser: LineRecogniser) -> None:
    seen = read(PlacedPage(PASSPORT, manner).picture(0), recogniser, any_rotation=False)
    assert isinstance(seen, NoReading)


def test_a_page_that_lies_across_is_read_by_whoever_searches(recogniser: LineRecogniser) -> None:
    seen = read(PlacedPage(PASSPORT, Manner.SIDEWAYS).picture(0), recogniser)
    assert isinstance(seen, Reading)
    assert seen.lines == PASSPORT.lines


def test_a_page_comes_to_rest_and_then_only_the_noise_changes() -> None:
    arriving = [PlacedPage(PASSPORT, arriving=True).picture(index).astype(int) for index in range(3)]
    lying = [PlacedPage(PASSPORT).picture(index).astype(int) for index in range(2)]
    assert np.abs(arriving[0] - arriving[1]).mean() > 5 * np.abs(lying[0] - lying[1]).mean()
    assert lying[0].shape == (SIZE_PX[1], SIZE_PX[0], 3)
    assert Bed().picture(0).mean() < 40 < lying[0].mean()


def test_a_page_lies_a_little_differently_at_each_laying() -> None:
    first, second = (PlacedPage(PASSPORT, laying=laying).picture(0).astype(int) for laying in (1, 2))
    assert np.abs(first - second).mean() > 2


def test_a_cover_has_no_mrz() -> None:
    digest = hashlib.sha256(cover().tobytes()).hexdigest()
    assert digest == hashlib.sha256(cover().tobytes()).hexdigest()
    assert cover().shape == printed(PASSPORT).shape


# ── what travellers lay ──────────────────────────────────────────────────────────────────────────────────────────────


def scenario(**page: object) -> object:
    table = {"name": "n", "title": "t", "verdict": "referred", "incidents": [], "passages": 0}
    return parse_scenario({**table, **({"page": page} if page else {})})


def laid(kind: Kind, *lays: str) -> tuple[PlacedPage, ...]:
    printed_document = Printed(HOLDER, kind, lines("TD3" if kind is Kind.PASSPORT else "TD1"), portrait())
    return laid_pages(printed_document, scenario(lays=list(lays)) if lays else scenario())  # type: ignore[arg-type]


def test_a_story_that_says_nothing_of_pages_lays_the_data_page_flat() -> None:
    (only,) = laid(Kind.PASSPORT)
    assert (only.manner, only.page.size, only.page.lines) == (Manner.FLAT, Size.TD3, lines())
    assert only.page.portrait == portrait()


def test_a_card_shows_the_side_with_the_mrz_which_has_no_portrait() -> None:
    (only,) = laid(Kind.CARD)
    assert (only.page.size, only.page.lines, only.page.portrait) == (Size.TD1, lines("TD1"), None)


def test_a_visa_names_the_passport_and_comes_before_it() -> None:
    visa, passport = laid(Kind.PASSPORT, "visa", "flat")
    assert visa.page.size is Size.VISA
    assert visa.page.lines[0] == "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
    assert visa.page.lines[1] == "L898902C36UTO9008124F3001156<<<<<<<<<<<<<<<<"
    assert passport.page.lines == lines()


@pytest.mark.parametrize("kind", list(Kind))
def test_another_mrz_names_someone_else_with_the_same_key(kind: Kind) -> None:
    (only,) = laid(kind, "other_zone")
    genuine = laid(kind)[0].page.lines
    assert only.page.lines != genuine
    assert mrz.key_information(only.page.lines) == mrz.key_information(genuine)
    assert [len(line) for line in only.page.lines] == [len(line) for line in genuine]


def test_a_page_may_lack_its_mrz_and_print_the_rest() -> None:
    (only,) = laid(Kind.PASSPORT, "no_zone")
    assert not only.page.has_mrz


@pytest.mark.parametrize("lay", [lay for lay in Lay if lay not in (Lay.VISA, Lay.NO_MRZ, Lay.OTHER_MRZ)])
def test_every_other_way_of_laying_is_a_manner(lay: Lay) -> None:
    assert laid(Kind.PASSPORT, lay.value)[0].manner.value == lay.value


@pytest.mark.parametrize("lays", [[], ["flat"] * 5, ["thrown"], [1]])
def test_pages_that_no_story_can_lay_are_refused(lays: list[object]) -> None:
    with pytest.raises(ScenarioError):
        scenario(lays=lays)


def test_only_stories_for_a_document_camera_say_how_pages_are_laid() -> None:
    laying = {name for name, story in read_scenarios(scenario_folder()).items() if story.lays is not None}
    assert laying == {name for name in read_scenarios(scenario_folder()) if name.startswith("page_")}
