"""Draws whole pages of invented documents with an MRZ, pages without one, and a camera's pictures of them.

A document is drawn straight at DRAWN_PX_PER_MM in its ICAO size (9303-3 to 9303-7), then transformed into a frame by
rotation and perspective, lit, blurred and compressed. Everything depends on the random generator passed in.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate_lab.train.mrz.texts import LayoutName, Mrz

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

DRAWN_PX_PER_MM: Final = 12.0
PITCH_MM: Final = 2.54
LINE_MM: Final = 6.35
SIZES_MM: Final[dict[str, tuple[float, float]]] = {
    "TD1": (85.6, 53.98),
    "TD2": (105.0, 74.0),
    "TD3": (125.0, 88.0),
    "MRV-A": (120.0, 80.0),
    "MRV-B": (105.0, 74.0),
}
_FOOT_MM: Final = 9.4  # from the page's lower edge to the last line's baseline
_LABELS: Final = (
    "Type / Type", "Code", "Passport No. / Passeport No.", "Surname / Nom", "Given names / Prenoms", "Nationality / Nationalite",
    "Date of birth / Date de naissance", "Sex / Sexe", "Place of birth / Lieu de naissance", "Date of issue", "Authority / Autorite",
    "Date of expiry / Date d'expiration", "Signature of bearer", "Specimen", "UTOPIA", "Visa", "Identity card", "Remarks",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PageConditions:
    """The conditions of a picture. Lengths without a unit are shares: of the frame, or (worn, glare) of ink and light."""

    page_width_px: float = 1000.0
    frame: float = 1.25  # the frame's width in page widths
    rotation_deg: float = 0.0
    spot: tuple[float, float] = (0.0, 0.0)  # off the frame's middle, in page widths
    perspective: float = 0.0  # how far a corner is off, in page widths
    blur_px: float = 0.5  # sigma
    motion_px: float = 0.0
    noise: float = 0.012
    light: float = 0.15  # fall-off across the frame
    glare: float = 0.0
    worn: float = 0.0
    ink: float = 0.14
    jpeg_quality: int = 88
    table: float = 0.25


def document(rng: np.random.Generator, layout: LayoutName, mrz: Mrz, font: str, *, worn: float, ink: float) -> Floats:
    """Draw a data page with its MRZ; reflectance from 0 to 1."""
    page = visual_zone(rng, layout)
    width_mm, height_mm = SIZES_MM[layout]
    face, size = cv2.FontFace(font), _font_size(font)
    printed = np.zeros((*page.shape, 3), np.uint8)
    left_mm = (width_mm - len(mrz[0]) * PITCH_MM) / 2
    for row, line in enumerate(mrz):
        y = (height_mm - _FOOT_MM - LINE_MM * (len(mrz) - 1 - row)) * DRAWN_PX_PER_MM
        for index, character in enumerate(line):
            x = (left_mm + index * PITCH_MM) * DRAWN_PX_PER_MM
            cv2.putText(printed, character, (round(x), round(y)), (255, 255, 255), face, size)
    strength = printed[:, :, 0].astype(np.float32) / np.float32(255)
    if worn:
        strength = strength * _wear(rng, page.shape, worn)
    return np.asarray(page + (np.float32(ink) - page) * strength, np.float32)


def visual_zone(rng: np.random.Generator, layout: LayoutName) -> Floats:
    """A data page without its MRZ: paper, security print, portrait, labels and values."""
    width, height = (round(side * DRAWN_PX_PER_MM) for side in SIZES_MM[layout])
    page = _paper(rng, (height, width))
    if layout != "TD1":  # whose MRZ stands on the back
        _portrait(rng, page)
    small, large = cv2.FontFace("sans"), cv2.FontFace(str(rng.choice(["sans", "italic"])))
    bottom = 0.72 if layout != "TD1" else 0.5
    tone = float(rng.uniform(0.1, 0.35))
    step = round(height * 0.1)
    for y in range(round(height * 0.12), round(height * bottom), step):
        x = round(width * float(rng.choice([0.36, 0.36, 0.4])))
        _write(page, str(rng.choice(_LABELS)), (x, y), face=small, size=17, tone=tone + 0.2)
        _write(page, _value(rng), (x, y + round(step * 0.45)), face=large, size=30, tone=tone)
    return page


def without_mrz(rng: np.random.Generator) -> Grey:
    """A picture with no MRZ: a data page's upper part, a text page, or a pattern."""
    kind = rng.random()
    if kind < 0.4:
        page = visual_zone(rng, "TD3")
        return seen(
            rng, page, PageConditions(page_width_px=float(rng.uniform(500, 1100)), rotation_deg=float(rng.normal(0, 8)))
        )
    if kind < 0.75:
        return seen(rng, _text_page(rng), PageConditions(page_width_px=float(rng.uniform(600, 1100)), perspective=0.02))
    return seen(
        rng,
        _pattern(rng),
        PageConditions(page_width_px=float(rng.uniform(400, 1000)), rotation_deg=float(rng.uniform(0, 360))),
    )


def seen(rng: np.random.Generator, page: Floats, view: PageConditions) -> Grey:
    """Take a picture of a page lying on a table."""
    height, width = page.shape
    zoom = view.page_width_px / width
    frame_width = round(view.page_width_px * view.frame)
    turn = np.deg2rad(view.rotation_deg)
    reach = abs(np.sin(turn)) * width + abs(np.cos(turn)) * height
    frame_height = max(round(0.75 * frame_width), round(1.06 * reach * zoom))
    across = abs(np.cos(turn)) * width + abs(np.sin(turn)) * height
    frame_width = max(frame_width, round(1.06 * across * zoom))
    corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    placed = corners @ spin.T * zoom + rng.uniform(-1, 1, (4, 2)) * view.perspective * view.page_width_px
    placed += np.array([frame_width / 2, frame_height / 2]) + np.array(view.spot) * view.page_width_px
    matrix = cv2.getPerspectiveTransform(
        (corners + np.array([width / 2, height / 2])).astype(np.float32), placed.astype(np.float32)
    )
    soft = cv2.GaussianBlur(page, (0, 0), 0.42 / zoom) if zoom < 1 else page
    frame = cv2.warpPerspective(
        soft, matrix, (frame_width, frame_height), borderMode=cv2.BORDER_CONSTANT, borderValue=(view.table,)
    ).astype(np.float32)
    return _camera(rng, _lit(rng, frame, placed, view), view)


def _lit(rng: np.random.Generator, frame: Floats, placed: npt.NDArray[np.float64], view: PageConditions) -> Floats:
    height, width = frame.shape
    x, y = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.float32(np.cos(angle)) * (x / width - 0.5) + np.float32(np.sin(angle)) * (y / height - 0.5)
    frame = frame * (1 - np.float32(view.light) * (0.5 + ramp))
    if view.glare:
        # On the MRZ, where it hurts: between the page's lower corners.
        along = rng.uniform(0.15, 0.85)
        spot_x, spot_y = (placed[3] * (1 - along) + placed[2] * along) * 0.76 + placed.mean(axis=0) * 0.24
        reach = view.page_width_px * rng.uniform(0.05, 0.12)
        patch = np.exp(
            -(((x - np.float32(spot_x)) / np.float32(reach)) ** 2) - ((y - np.float32(spot_y)) / np.float32(reach)) ** 2
        )
        frame = frame + (np.float32(1.1) - frame) * patch * np.float32(view.glare)
    return np.asarray(frame, np.float32)


def _camera(rng: np.random.Generator, frame: Floats, view: PageConditions) -> Grey:
    if view.blur_px:
        frame = cv2.GaussianBlur(frame, (0, 0), view.blur_px).astype(np.float32)
    if view.motion_px > 1:
        side = 2 * int(np.ceil(view.motion_px / 2)) + 1
        kernel = np.zeros((side, side), np.float32)
        half = np.array([np.cos(angle := rng.uniform(0, np.pi)), np.sin(angle)]) * view.motion_px / 2
        start, end = (np.round((side // 2 + sign * half) * 16).astype(int).tolist() for sign in (-1, 1))
        cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
        frame = cv2.filter2D(frame, -1, kernel / kernel.sum()).astype(np.float32)
    frame = frame + np.float32(view.noise) * rng.standard_normal(frame.shape, dtype=np.float32)
    picture = (np.clip(frame, 0, 1) * 255 + 0.5).astype(np.uint8)
    _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, view.jpeg_quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)


def _paper(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Tinted paper with crossed wavy lines."""
    x, y = np.arange(shape[1], dtype=np.float32)[None], np.arange(shape[0], dtype=np.float32)[:, None]
    page = np.full(shape, rng.uniform(0.7, 0.97), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        angle, wavelength = rng.uniform(0, np.pi), rng.uniform(7, 26)
        sway = np.float32(rng.uniform(0, 4)) * np.sin((x + y) * np.float32(1 / rng.uniform(15, 90)))
        along = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
        wave = 0.5 + 0.5 * np.cos(along * np.float32(2 * np.pi / wavelength) + sway)
        page *= 1 - np.float32(rng.uniform(0.03, 0.16)) * wave**3
    return page


def _portrait(rng: np.random.Generator, page: Floats) -> None:
    """Draw a bust of smooth shapes, of no real person."""
    height, width = page.shape
    left, top, right, bottom = round(0.05 * width), round(0.14 * height), round(0.31 * width), round(0.66 * height)
    middle, face_y = (left + right) // 2, round(top + 0.42 * (bottom - top))
    page[top:bottom, left:right] = rng.uniform(0.6, 0.9)
    box = page[top:bottom, left:right]
    tone = float(rng.uniform(0.35, 0.7))
    cv2.ellipse(
        box, (middle - left, bottom - top), ((right - left) // 2 - 8, (bottom - top) // 3), 0, 180, 360, (0.25,), -1
    )
    cv2.ellipse(box, (middle - left, face_y - top), ((right - left) // 4, (bottom - top) // 4), 0, 0, 360, (tone,), -1)
    for side in (-1, 1):
        cv2.circle(box, (middle - left + side * (right - left) // 10, face_y - top - 15), 9, (0.12,), -1)
    page[top:bottom, left:right] = cv2.GaussianBlur(box, (0, 0), 3.0)


def _write(page: Floats, text: str, at: tuple[int, int], *, face: cv2.FontFace, size: int, tone: float) -> None:
    mask = np.zeros((*page.shape, 3), np.uint8)
    cv2.putText(mask, text, at, (255, 255, 255), face, size)
    strength = mask[:, :, 0].astype(np.float32) / np.float32(255)
    page += (np.float32(tone) - page) * strength


def _value(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.3:
        return f"{int(rng.integers(1, 29)):02} {rng.choice(['JAN', 'MAY', 'OCT'])} / {int(rng.integers(1940, 2036))}"
    pool = string.ascii_uppercase if kind < 0.7 else string.digits + string.ascii_uppercase
    return "".join(rng.choice(list(pool), int(rng.integers(2, 18))))


def _text_page(rng: np.random.Generator) -> Floats:
    """Return a page of printed lines in any type, with OCR-like fillers and rows of digits, and no MRZ."""
    width, height = 1400, 1000
    page = np.full((height, width), rng.uniform(0.8, 0.98), np.float32)
    face, size = cv2.FontFace(str(rng.choice(["sans", "italic"]))), int(rng.integers(18, 46))
    for y in range(60, height - 20, round(size * float(rng.uniform(1.3, 2.2)))):
        words = [_word(rng) for _ in range(30)]
        _write(page, " ".join(words)[: int(rng.integers(20, 110))], (50, y), face=face, size=size, tone=0.1)
    return page


def _word(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.1:
        return "<" * int(rng.integers(1, 6))
    if kind < 0.3:
        return "".join(rng.choice(list(string.digits), int(rng.integers(1, 9))))
    pool = string.ascii_lowercase if kind < 0.8 else string.ascii_uppercase
    return "".join(rng.choice(list(pool), int(rng.integers(1, 11))))


def _pattern(rng: np.random.Generator) -> Floats:
    """Return guilloche, stripes like bars, or a checked cloth."""
    shape = (900, 1200)
    page = _paper(rng, shape)
    x, y = np.arange(shape[1])[None], np.arange(shape[0])[:, None]
    period = int(rng.integers(6, 60))
    match int(rng.integers(4)):
        case 0:
            bars = np.repeat(rng.random(shape[1] // period + 1) < 0.5, period)[: shape[1]]
            page *= np.where(bars[None], np.float32(0.3), np.float32(1.0))
        case 1:
            page *= np.where((x // period + y // period) % 2 == 0, np.float32(0.4), np.float32(1.0))
        case 2:
            rows = (y // (2 * period)) % 2 == 0
            page *= np.where(rows & (rng.random((1, shape[1])) < 0.5), np.float32(0.3), np.float32(1.0))
        case _:
            pass
    return page


def _wear(rng: np.random.Generator, shape: tuple[int, ...], worn: float) -> Floats:
    """Return the ink that remains, 0 to 1: patches of a character or less across are rubbed away."""
    cell_px = int(rng.choice([6, 12, 24]))
    coarse = rng.standard_normal((shape[0] // cell_px + 2, shape[1] // cell_px + 2), dtype=np.float32)
    field = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    bound = np.float32(3.2 * worn - 1.9)
    return np.asarray(np.clip((field - bound) * np.float32(2.0), 1.0 - min(1.0, 2.4 * worn), 1.0), np.float32)


def _font_size(font: str) -> int:
    """Return the size at which the font's advance is the pitch."""
    probe = 200
    end, _ = cv2.putText(np.zeros((4, 4, 3), np.uint8), "0" * 20, (0, 0), (0, 0, 0), cv2.FontFace(font), probe)
    return round(PITCH_MM * DRAWN_PX_PER_MM * probe * 20 / end[0])
