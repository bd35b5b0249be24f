"""Pages with a machine-readable zone as a camera or scanner sees them, drawn from invented text, with the truth beside.

A page is drawn at 16 px a millimetre in the sizes of ICAO 9303-3 and seen through a homography, so where each character
lies in the picture is known exactly. Typeface: Debian's fonts-ocr-b.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from gate.page.picture.layout import check_digit
from gate.page.values import MrzFormat

FONT = Path("/usr/share/fonts/opentype/ocr-b/OCRB.otf")
PX_PER_MM = 16.0
PITCH_MM = 2.54  # ICAO 9303-3 §4.4: OCR-B size 1, ten characters an inch
SPACING_MM = 6.35
_FONT_SIZE = round(PITCH_MM * PX_PER_MM / 0.7222)
_SIZES_MM = {
    "TD1": (85.6, 53.98),
    "TD2": (105.0, 74.0),
    "TD3": (125.0, 88.0),
    "MRVA": (120.0, 80.0),
    "MRVB": (105.0, 74.0),
}

Picture = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]


def digits_for(text: str) -> str:
    return text + check_digit(text)


def mrz_lines(random: np.random.Generator, mrz_format: MrzFormat) -> tuple[str, ...]:
    """The lines of an invented document whose check digits hold."""
    letters, either = string.ascii_uppercase, string.ascii_uppercase + string.digits

    def some(alphabet: str, least: int, most: int) -> str:
        return "".join(random.choice(list(alphabet), size=int(random.integers(least, most + 1))))

    def date() -> str:
        return f"{random.integers(0, 100):02d}{random.integers(1, 13):02d}{random.integers(1, 29):02d}"

    _, width = mrz_format.shape
    state = str(random.choice(["UTO", "FRA", "D<<", "XOM", "CZE", "POL", "JPN", "AUS"]))
    name = some(letters, 3, 10) + "<<" + "<".join(some(letters, 3, 8) for _ in range(int(random.integers(1, 4))))
    number = digits_for((some(letters, 0, 2) + some(string.digits, 6, 7)).ljust(9, "<")[:9])
    birth, expiry, sex = digits_for(date()), digits_for(date()), str(random.choice(["M", "F", "<"]))
    if mrz_format is MrzFormat.TD1:
        first = ("I<" + state + number).ljust(width, "<")
        middle = (birth + sex + expiry + state).ljust(width - 1, "<")
        whole = first[5:30] + middle[:7] + middle[8:15] + middle[18:29]
        return first, middle + check_digit(whole), name[:width].ljust(width, "<")
    kind = {"TD2": "I<", "TD3": "P<", "MRVA": "V<", "MRVB": "V<"}[mrz_format.value]
    second = number + state + birth + sex + expiry
    if mrz_format in (MrzFormat.MRV_A, MrzFormat.MRV_B):
        second = (second + some(either, 0, 8)).ljust(width, "<")
    else:
        if mrz_format is MrzFormat.TD3:
            second += digits_for(some(either, 0, 14).ljust(14, "<"))
        second = second.ljust(width - 1, "<")
        second += check_digit(second[:10] + second[13:20] + second[21:])
    return (kind + state + name)[:width].ljust(width, "<"), second


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A drawn page. `centres[line][character]` is the middle of a character's cell in pixels of the page."""

    picture: Picture
    lines: tuple[str, ...]
    centres: tuple[Points, ...]


def draw_page(
    lines: tuple[str, ...], random: np.random.Generator, *, ink: int = 30, furniture: bool = True, mrz: bool = True
) -> Page:
    """A page of the size that the lines have, with a portrait, labels and background print unless `furniture` is off."""
    shape = {30: "TD1", 36: "TD2", 44: "TD3"}[len(lines[0])]
    width, height = (round(side * PX_PER_MM) for side in _SIZES_MM[shape])
    picture = np.full((height, width), 225, np.uint8)
    if furniture:
        _background(picture, random)
        _labels(picture, random, rows=2 if shape == "TD1" else 6)
        if shape != "TD1":  # a card has its portrait on the other side
            _portrait(picture, random)
    pitch = PITCH_MM * PX_PER_MM
    left = (width - pitch * len(lines[0])) / 2
    lowest = height - 9.4 * PX_PER_MM
    face = cv2.FontFace(str(FONT))
    centres = []
    for number, line in enumerate(lines):
        baseline = lowest - (len(lines) - 1 - number) * SPACING_MM * PX_PER_MM
        cells = [(left + pitch * (index + 0.5), baseline - 0.42 * pitch) for index in range(len(line))]
        centres.append(np.array(cells))
        if mrz:
            for index, character in enumerate(line):
                spot = (round(left + pitch * index), round(baseline))
                cv2.putText(picture, character, spot, (ink,), face, _FONT_SIZE)
    return Page(picture, lines, tuple(centres))


def _background(picture: Picture, random: np.random.Generator) -> None:
    height, width = picture.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = np.sin(x / random.uniform(5, 12) + 6 * np.sin(y / random.uniform(40, 90)))
    waves += np.sin(y / random.uniform(5, 12) + 5 * np.sin(x / random.uniform(40, 90)))
    picture[:] = np.clip(picture + 5 * waves + 12 * np.sin(x / width * 3), 0, 255).astype(np.uint8)


def _portrait(picture: Picture, random: np.random.Generator) -> None:
    height, width = picture.shape
    left, top, right, bottom = int(0.04 * width), int(0.16 * height), int(0.3 * width), int(0.66 * height)
    picture[top:bottom, left:right] = random.integers(150, 200)
    middle = ((left + right) // 2, (top + bottom) // 2)
    cv2.ellipse(picture, middle, ((right - left) // 4, (bottom - top) // 3), 0, 0, 360, (120,), -1)
    cv2.ellipse(picture, (middle[0], bottom), ((right - left) // 3, (bottom - top) // 7), 0, 180, 360, (60,), -1)
    for side in (-1, 1):
        cv2.circle(picture, (middle[0] + side * (right - left) // 10, middle[1] - 20), 14, (40,), -1)


def _labels(picture: Picture, random: np.random.Generator, *, rows: int) -> None:
    height, width = picture.shape
    face = cv2.FontFace("sans")
    for row in range(rows):
        y = int((0.15 + 0.085 * row) * height)
        small = "Surname / Nom Given names Date of birth"[: int(random.integers(8, 39))]
        large = "".join(random.choice(list(string.ascii_uppercase), size=int(random.integers(4, 16))))
        cv2.putText(picture, small, (int(0.34 * width), y), (90,), face, 22)
        cv2.putText(picture, large, (int(0.34 * width), y + 38), (40,), face, 36)
    cv2.putText(picture, "PASSPORT  UTOPIA", (int(0.05 * width), int(0.1 * height)), (60,), face, 50)


def negatives(random: np.random.Generator, count: int) -> Iterator[Picture]:
    """Pictures without an MRZ: pages whose MRZ is missing, pages of text, tables, noise, an empty bed."""
    for number in range(count):
        match number % 5:
            case 0 | 1:
                bare = draw_page(mrz_lines(random, MrzFormat.TD3), random, mrz=False)
                turn = float(random.uniform(-15, 15))
                yield shoot(
                    bare, PageConditions(turn_deg=turn, page_width=float(random.uniform(600, 1150))), random
                ).picture
            case 2:
                yield _text_page(random)
            case 3:
                coarse = random.integers(0, 256, (30, 40), np.uint8)
                noise = random.normal(0, 4, (960, 1280))
                yield np.clip(cv2.resize(coarse, (1280, 960)) + noise, 0, 255).astype(np.uint8)
            case _:
                yield np.clip(random.normal(random.uniform(20, 230), 5, (960, 1280)), 0, 255).astype(np.uint8)


def _text_page(random: np.random.Generator) -> Picture:
    """Words in lines, proportional or in fixed pitch, as on a letter or a boarding card."""
    picture = np.full((960, 1280), 235, np.uint8)
    face = cv2.FontFace(str(FONT) if random.random() < 0.3 else "sans")
    size = int(random.integers(14, 34))
    letters = list(string.ascii_letters + string.digits + "    .,")
    for row in range(60, 920, round(size * random.uniform(1.5, 2.5))):
        text = "".join(random.choice(letters, size=int(random.integers(20, 90))))
        cv2.putText(picture, text, (int(random.integers(40, 80)), row), (40,), face, size)
    return np.clip(picture + random.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class PageConditions:
    """How a page is seen: frame size in pixels, the page's width in them, turn in degrees clockwise, perspective, faults."""

    width: int = 1280
    height: int = 960
    page_width: float = 900.0
    turn_deg: float = 0.0
    perspective: float = 0.0
    blur_px: float = 0.6
    noise: float = 3.0
    glare: float = 0.0
    table: int = 70
    motion_px: int = 0
    jpeg: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """The picture of a page and where each character's middle is in it."""

    picture: Picture
    lines: tuple[str, ...]
    centres: tuple[Points, ...]
    pitch_px: float


def shoot(page: Page, view: PageConditions, random: np.random.Generator) -> Shot:
    """See the page through a camera."""
    matrix = _homography(page.picture.shape, view, random)
    shrink = page.picture.shape[1] / view.page_width
    soft = cv2.GaussianBlur(page.picture, (0, 0), max(0.01, 0.45 * shrink)) if shrink > 1 else page.picture
    seen = cv2.warpPerspective(
        soft, matrix, (view.width, view.height), flags=cv2.INTER_LINEAR, borderValue=(view.table,)
    )
    frame = seen.astype(np.float32)
    if view.glare:
        _shine(frame, view.glare, random)
    if view.motion_px > 1:
        kernel = np.zeros((view.motion_px, view.motion_px), np.float32)
        kernel[view.motion_px // 2] = 1 / view.motion_px
        frame = cv2.filter2D(frame, -1, kernel).astype(np.float32, copy=False)
    if view.blur_px:
        frame = cv2.GaussianBlur(frame, (0, 0), view.blur_px).astype(np.float32, copy=False)
    frame += np.asarray(random.normal(0, view.noise, frame.shape), np.float32)
    picture = np.clip(frame, 0, 255).astype(np.uint8)
    if view.jpeg:
        _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, view.jpeg])
        decoded = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
        assert decoded is not None
        picture = decoded.astype(np.uint8, copy=False)
    centres = tuple(cv2.perspectiveTransform(cells[None], matrix)[0] for cells in page.centres)
    pitch = float(np.linalg.norm(centres[0][-1] - centres[0][0]) / (len(centres[0]) - 1))
    return Shot(picture, page.lines, centres, pitch)


def _homography(shape: tuple[int, ...], view: PageConditions, random: np.random.Generator) -> Points:
    height, width = shape[:2]
    scale = view.page_width / width
    angle = math.radians(view.turn_deg)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    middle = corners - (width / 2, height / 2)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    placed = scale * middle @ turn.T
    placed += view.perspective * view.page_width * random.uniform(-0.5, 0.5, placed.shape)
    placed += (view.width / 2, view.height / 2)
    return cv2.getPerspectiveTransform(corners.astype(np.float32), placed.astype(np.float32)).astype(np.float64)


def _shine(frame: npt.NDArray[np.float32], strength: float, random: np.random.Generator) -> None:
    height, width = frame.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    at_x, at_y = random.uniform(0.2, 0.8) * width, random.uniform(0.55, 0.85) * height
    spot = np.exp(-(((x - at_x) / (0.12 * width)) ** 2) - ((y - at_y) / (0.07 * height)) ** 2)
    frame += 255 * strength * spot
