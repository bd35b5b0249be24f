"""MRZs that are hard to find or to follow: among other text, faint beside dark print, on bent and on steep pages."""

import string
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from fakes.mrz_frames import RIGHT, Faults, Scripted
from fakes.pages import FONT, Picture, draw_page, mrz_lines
from fakes.tiers import quick_or_long
from PIL import Image, ImageDraw, ImageFont

from gate.page.picture.bars import Bar
from gate.page.picture.layout import LAYOUTS, check_digit, within_reach
from gate.page.picture.locate import GROUPS_MAX, Copies, evenness_of, propose, turn_of, turned_back
from gate.page.picture.objections import counts, objections_to
from gate.page.picture.reader import STRIPS_MAX, LineRecogniser, open_recogniser, read
from gate.page.picture.sight import look_again, look_at
from gate.page.picture.text import REPAIRS_MAX, choose
from gate.page.values import ALPHABET, PALEST_MIN, Floats, MrzFormat, NoReading, Reading, Recogniser, Why

LETTERS = Path("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf")
Warp = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def recogniser() -> LineRecogniser:
    return open_recogniser(Path("nowhere"))  # the weights are in the tree


def page_of(mrz_format: MrzFormat = MrzFormat.TD3, seed: int = 5) -> tuple[Picture, tuple[str, ...]]:
    random = np.random.default_rng(seed)
    lines = mrz_lines(random, mrz_format)
    return draw_page(lines, random).picture, lines


def sheet(width: int, height: int, *, size: int, random: np.random.Generator) -> Picture:
    """Words from edge to edge, black on white."""
    image = Image.new("L", (width, height), 250)
    pen, font = ImageDraw.Draw(image), ImageFont.truetype(str(LETTERS), size)
    letters = list(string.ascii_lowercase)
    for top in range(0, height, round(1.3 * size)):
        words = ["".join(random.choice(letters, random.integers(2, 10))) for _ in range(40)]
        pen.text((size // 2, top), " ".join(words), font=font, fill=10)
    return np.asarray(image).copy()


def laid_on(table: Picture, page: Picture, corners: list[tuple[float, float]]) -> Picture:
    """The page on a table, its corners where they are wanted, from its top left clockwise."""
    height, width = page.shape
    edge = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    warp = cv2.getPerspectiveTransform(edge, np.array(corners, np.float32))
    size = (table.shape[1], table.shape[0])
    flat = cv2.warpPerspective(page, warp, size, flags=cv2.INTER_AREA)
    inside = cv2.warpPerspective(np.full_like(page, 255), warp, size) > 127
    return np.where(inside, flat, table).astype(np.uint8)


def square(left: float, top: float, width: float, page: Picture) -> list[tuple[float, float]]:
    height = width * page.shape[0] / page.shape[1]
    return [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]


def lines_of(picture: Picture, recogniser: LineRecogniser) -> tuple[str, ...] | None:
    seen = read(picture, recogniser)
    return seen.lines if isinstance(seen, Reading) else None


@pytest.mark.parametrize("turn_deg", [0, 40, 90, 155])
def test_a_page_that_is_small_in_a_large_photograph_is_read(recogniser: LineRecogniser, turn_deg: int) -> None:
    page, lines = page_of()
    table = np.full((1950, 2600), 60, np.uint8)
    turn, half = np.radians(turn_deg), np.array([190.0, 190.0 * page.shape[0] / page.shape[1]])
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = [(1300, 900) + spin @ (half * side) for side in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    picture = laid_on(table, page, [(float(x), float(y)) for x, y in corners])
    assert lines_of(picture, recogniser) == lines
    assert isinstance(read(picture, recogniser, any_rotation=False), NoReading), "live frames do not pay for it"


def test_text_stands_out_of_strong_security_print_before_a_dark_table(recogniser: LineRecogniser) -> None:
    page, lines = page_of()
    y, x = np.mgrid[0 : page.shape[0], 0 : page.shape[1]]
    waves = 0.78 + 0.22 * np.sin(2 * np.pi * (0.8 * x + 0.6 * y + 6 * np.sin(x / 40)) / (page.shape[1] / 90))
    picture = laid_on(np.full((1200, 1600), 45, np.uint8), (page * waves).astype(np.uint8), square(400, 300, 800, page))
    assert lines_of(picture, recogniser) == lines


@pytest.mark.parametrize("size", [22, 30])
def test_a_page_that_lies_on_a_sheet_of_words_is_read(recogniser: LineRecogniser, size: int) -> None:
    page, lines = page_of()
    table = sheet(1600, 1200, size=size, random=np.random.default_rng(1))
    picture = cv2.GaussianBlur(laid_on(table, page, square(420, 330, 780, page)), (0, 0), 0.8).astype(np.uint8)
    assert lines_of(picture, recogniser) == lines


def test_pale_print_is_found_beside_black_words(recogniser: LineRecogniser) -> None:
    page, lines = page_of(MrzFormat.TD1, seed=8)
    pale = (90 + page * 0.6).clip(0, 255).astype(np.uint8)
    table = sheet(1500, 1100, size=40, random=np.random.default_rng(2))
    assert lines_of(laid_on(table, pale, square(350, 300, 800, pale)), recogniser) == lines


@pytest.mark.parametrize("bend", [0.02, -0.02])
def test_a_page_bent_into_its_spine_is_read_although_its_pitch_is_no_parabola(
    recogniser: LineRecogniser, bend: float
) -> None:
    page, lines = page_of()
    page = cv2.resize(page, (1000, 704), interpolation=cv2.INTER_AREA).astype(np.uint8)
    y, x = np.mgrid[0:704, 0:1000].astype(np.float32)
    wave = np.sin(2 * np.pi * x / 1000, dtype=np.float32) * np.float32(bend * 1000)
    bent = cv2.remap(page, x + wave, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    assert lines_of(bent.astype(np.uint8), recogniser) == lines


def test_a_steep_page_whose_far_characters_are_half_as_wide_is_read(recogniser: LineRecogniser) -> None:
    page, lines = page_of()
    corners = [(40.0, 60.0), (1240.0, 250.0), (1240.0, 730.0), (40.0, 900.0)]
    assert lines_of(laid_on(np.full((960, 1280), 90, np.uint8), page, corners), recogniser) == lines


def test_a_line_of_one_pitch_is_evener_than_words() -> None:
    pen_font = ImageFont.truetype(str(FONT), 20)
    words = sheet(800, 40, size=20, random=np.random.default_rng(3))
    image = Image.new("L", (800, 40), 250)
    ImageDraw.Draw(image).text((60, 5), "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", font=pen_font, fill=10)
    across = Bar(left=60, right=700, a=16, b=0.0, thickness=14)
    (of_mrz,), (of_words,) = evenness_of(np.asarray(image), [across]), evenness_of(words, [across])
    assert of_mrz > 1.5 * of_words


def test_a_sheet_of_words_alone_gives_few_groups_to_look_at() -> None:
    words = sheet(1200, 900, size=24, random=np.random.default_rng(4))
    assert len(propose(Copies(words))) <= GROUPS_MAX


@pytest.mark.parametrize("turn_deg", [-75, -40, -10, 0, 25, 60, 85])
def test_the_turn_of_text_is_told(turn_deg: int) -> None:
    words = sheet(700, 500, size=18, random=np.random.default_rng(6))
    turned, _ = turned_back(words, -turn_deg)
    assert abs((turn_of(Copies(turned))[0] - turn_deg + 90) % 180 - 90) <= 2


def test_grooves_of_security_print_do_not_pass_for_lines_of_text() -> None:
    """Fine parallel lines from edge to edge outweigh text where sharpness alone counts."""
    words = sheet(900, 700, size=26, random=np.random.default_rng(7)).astype(np.float32)
    words[:, :200] = words[:, 620:] = 250
    y, x = np.mgrid[0:700, 0:900]
    grooves = 40 * (np.sin((x * np.sin(0.6) + y * np.cos(0.6)) * 2 * np.pi / 10) > 0)
    assert abs(turn_of(Copies((words - grooves).clip(0, 255).astype(np.uint8)))[0]) <= 2


def test_a_change_can_put_right_only_what_all_wrong_digits_depend_on() -> None:
    assert within_reach(MrzFormat.TD3, []) == frozenset()
    number = within_reach(MrzFormat.TD3, ["number", "composite"])
    assert number == {(1, column) for column in range(10)}
    assert within_reach(MrzFormat.TD3, ["number", "birth"]) == frozenset()
    assert (0, 20) in within_reach(MrzFormat.TD1, ["number"]), "a long number goes on there"


def test_text_full_of_doubt_costs_few_tries_of_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of numbers once cost 25,000 texts, seconds of work, before it was found to be no MRZ."""
    calls = 0

    def counted(text: str) -> str:
        nonlocal calls
        calls += 1
        return check_digit(text)

    monkeypatch.setattr("gate.page.picture.layout.check_digit", counted)
    doubt = np.full((44, len(ALPHABET)), 1 / len(ALPHABET))
    doubt[:, 3] += 0.01
    choose(MrzFormat.TD3, [doubt, doubt])
    assert calls <= (REPAIRS_MAX + 8) * len(LAYOUTS[MrzFormat.TD3].checks) * 2


def test_a_character_that_light_took_the_foot_of_is_no_vote(recogniser: LineRecogniser) -> None:
    """An I without its foot looks like a T, in a name, which no check digit covers."""
    random = np.random.default_rng(5)
    lines = list(mrz_lines(random, MrzFormat.TD1))
    lines[2] = "QUISPE<<MIA<JIN<PIERRE<YUKI<<<"
    page = draw_page(tuple(lines), random)
    shrink = 1000 / page.picture.shape[1]
    picture = cv2.resize(page.picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA).astype(np.float32)
    whole = read(picture.astype(np.uint8), recogniser)
    assert isinstance(whole, Reading)
    assert counts(whole)
    at = whole.geometry.lines[2]
    x = at.start[0] + (at.end[0] - at.start[0]) * 26 / 29
    y = at.start[1] + (at.end[1] - at.start[1]) * 26 / 29 + 0.25 * whole.geometry.pitch_px
    rows, columns = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]]
    light = np.exp(-(((columns - x) / 25) ** 2) - ((rows - y) / 25) ** 2)
    lit = read((picture + 230 * light).clip(0, 255).astype(np.uint8), recogniser)
    assert isinstance(lit, Reading)
    assert lit.palest < PALEST_MIN <= whole.palest
    assert Why.GLARE in lit.hints
    assert any("half as dark" in objection for objection in objections_to(lit))


class Counting:
    """Counts the strips that a recogniser is asked for."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.strips = 0
        self._recogniser = recogniser

    def __call__(self, strips: Floats) -> Floats:
        self.strips += len(strips)
        return self._recogniser(strips)


def banded(random: np.random.Generator, tops: range) -> Picture:
    """A table with bands of two lines in OCR-B that have an MRZ's shape and characters, and are none."""
    table, face = np.full((1200, 1600), 230, np.uint8), cv2.FontFace(str(FONT))
    for top in tops:
        for line in range(2):
            text = "".join(random.choice(list(string.ascii_uppercase + string.digits + "<<<<"), 44))
            cv2.putText(table, text, (20, top + 26 * line), (25,), face, 22)
    return table


@pytest.mark.parametrize("seed", quick_or_long([1, 2, 3], quick=[1]))
@pytest.mark.parametrize("turn_deg", [0, 180])
def test_bands_that_look_like_an_mrz_never_make_a_wrong_one_count(
    recogniser: LineRecogniser, turn_deg: int, seed: int
) -> None:
    """A page under ten bands, or upside down under five; what is hidden by them is not read, and nothing else is."""
    random = np.random.default_rng(seed)
    lines = mrz_lines(random, MrzFormat.TD3)
    page = draw_page(lines, random).picture
    table = banded(random, range(40, 640, 60) if turn_deg == 0 else range(40, 340, 60))
    corners = square(480, 700, 620, page) if turn_deg == 0 else square(350, 420, 900, page)
    counting = Counting(recogniser)
    seen = read(laid_on(table, page, corners[2:] + corners[:2] if turn_deg else corners), counting)
    assert isinstance(seen, NoReading) or seen.lines == lines or not counts(seen)
    assert counting.strips <= STRIPS_MAX


def test_an_mrz_is_read_beside_others_in_the_pages_own_print_whose_digits_are_wrong(recogniser: LineRecogniser) -> None:
    random = np.random.default_rng(4)
    lines = mrz_lines(random, MrzFormat.TD3)
    page = draw_page(lines, random, furniture=False).picture
    face = cv2.FontFace(str(FONT))
    for number in range(2):
        first, second = mrz_lines(random, MrzFormat.TD3)
        for row, text in enumerate((first, second[:13] + "999999" + second[19:])):
            cv2.putText(page, text, (60, 200 + 260 * number + 100 * row), (40,), face, 48)
    seen = read(laid_on(np.full((1200, 1600), 70, np.uint8), page, square(200, 120, 1200, page)), recogniser)
    assert isinstance(seen, NoReading) or seen.lines == lines or not counts(seen)


def test_words_that_are_uneven_are_not_read_by_other_turns(recogniser: LineRecogniser) -> None:
    counting = Counting(recogniser)
    words = sheet(1600, 1200, size=26, random=np.random.default_rng(9))
    assert isinstance(read(turned_back(words, -30)[0], counting), NoReading)
    assert counting.strips == 0


@pytest.mark.parametrize(
    ("line", "faults"), [("7" * 44, RIGHT), ("P<UTOERIKSSON<<ANNA<MARIA".ljust(44, "<"), Faults(noise=0.7))]
)
def test_what_cannot_be_an_mrz_is_not_looked_at_again(line: str, faults: Faults) -> None:
    """No format has digits alone in its first line; and where no character is sure, another look makes none so."""
    page, _ = page_of()
    scripted = Scripted((line,), faults)
    first = look_at(page, scripted, propose(Copies(page))[0])
    assert first.text is not None
    calls = scripted.calls
    assert look_again(page, scripted, first) is first
    assert scripted.calls == calls


def test_a_doubtful_mrz_is_looked_at_again() -> None:
    page, lines = page_of()
    scripted = Scripted(lines, Faults(noise=0.3))
    first = look_at(page, scripted, propose(Copies(page))[0])
    calls = scripted.calls
    look_again(page, scripted, first)
    assert scripted.calls > calls


def test_whatever_is_printed_a_picture_costs_a_bounded_number_of_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups that all look like an MRZ, none of which is one."""
    words = sheet(1600, 1200, size=24, random=np.random.default_rng(10))

    def strips_of_all() -> int:
        counting = Counting(Scripted(("ABC<1234567<8DEF9<<GHI<KLM<01<",)))
        assert isinstance(read(words, counting), NoReading)
        return counting.strips

    unbounded = strips_of_all()
    monkeypatch.setattr("gate.page.picture.reader.STRIPS_MAX", 1)
    assert 1 <= strips_of_all() < unbounded <= STRIPS_MAX
