"""Compares the shapes of recognised characters with OCR-B: a second check by other means. It reads nothing.

The recogniser guesses some damaged letters with high confidence: it takes a P without its foot for an F. So every character is compared with the tile
of its reading and with all others, at the few positions and the sharpness that fit the whole line best, and the correlations are compared.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from gate.page.picture.decode import Cells
from gate.page.picture.layout import mistakable
from gate.page.values import ALPHABET, STRIP_HEIGHT_PX, Bools, Doubles, Floats, Ints, MrzFormat

TILES: Final = Path(__file__).with_name("ocr_b.png")  # made by gate_lab.train.ocr_b
WIDTH_PX: Final = 12  # of a tile: one pitch
HEIGHT_PX: Final = 17
BETWEEN_MIN: Final = 0.05  # of two tiles: zero and O are 0.1 apart
_FRAME_PX: Final = 4
_SHIFT_PX: Final = 2  # of a tile, by which a line's characters may lie off their cells' middles and off the ribbon's
_WANDER_PX: Final = 1  # beyond that, by which a character may lie off the others
_RIM_PX: Final = _SHIFT_PX + _WANDER_PX
_STRETCHES: Final = (0.9, 1.0, 1.1)
_VOTERS: Final = 12
_BLURS: Final = (0.5, 1.0, 1.6)  # of tiles, in their pixels: from sharp print to what is just readable


def fits_of(strip: Floats, cells: Cells, text: str, rivals: Bools, *, pitch_rows: float) -> tuple[Floats, Floats]:
    """Return each character's correlation with its tile, and its lead over the `rivals`, (n, 37); (n,) each.

    The lead is 1 for the tile itself, -1 for the tile of another character, and 0 half way between. `pitch_rows`: the
    approximate number of the strip's rows, (32, 704), that equal a pitch's width in OCR-B.
    """
    said = np.array([ALPHABET.index(character) for character in text])
    bank, rows, shift = _line_fit(strip, cells, said, pitch_rows)
    windows = _windows(_patches(strip, cells.centres, cells, rows), shift, _WANDER_PX)
    count = len(said)
    fits = (windows.reshape(-1, bank.shape[1]) @ bank.T).reshape(count, -1, len(bank)).max(axis=1)
    own = fits[np.arange(count), said]
    leads = (own[:, None] - fits) / np.maximum(1.0 - bank @ bank.T, BETWEEN_MIN)[said]
    return own, np.where(rivals, leads, 1.0).min(axis=1)


def rivals_of(mrz_format: MrzFormat, number: int, line: str) -> Bools:
    """Return (n, 37): for each character of a line, those it could be mistaken for without a wrong check digit."""
    return np.array([_rivals(mrz_format, number, column, character) for column, character in enumerate(line)])


@lru_cache(maxsize=4096)  # the places of all formats, and what stands there
def _rivals(mrz_format: MrzFormat, number: int, column: int, character: str) -> tuple[bool, ...]:
    others = mistakable(mrz_format, number, column, character)
    return tuple(other in others for other in ALPHABET)


def _line_fit(strip: Floats, cells: Cells, said: Ints, pitch_rows: float) -> tuple[Floats, float, tuple[int, int]]:
    """Return the tiles of the line's sharpness, its height and its offset from the cells' middles, by the characters with most ink."""
    some = np.flatnonzero(said != ALPHABET.index("<"))
    some = some[:: max(1, len(some) // _VOTERS)] if len(some) else np.arange(len(said))
    best = (-1.0, _banks()[0], pitch_rows, (0, 0))
    for stretch in _STRETCHES:
        rows = stretch * pitch_rows
        windows = _windows(_patches(strip, cells.centres[some], cells, rows), (0, 0), _SHIFT_PX)
        for bank in _banks():
            fits = (windows @ bank[said[some]][:, :, None])[:, :, 0].mean(axis=0)
            at = int(np.argmax(fits))
            if fits[at] > best[0]:
                down, across = divmod(at, 2 * _SHIFT_PX + 1)
                best = (float(fits[at]), bank, rows, (down - _SHIFT_PX, across - _SHIFT_PX))
    return best[1:]


def _patches(strip: Floats, centres: Doubles, cells: Cells, pitch_rows: float) -> Floats:
    """(n, HEIGHT_PX + 2 rims, WIDTH_PX + 2 rims): the surroundings of cells' middles, ink positive."""
    across = (np.arange(WIDTH_PX + 2 * _RIM_PX) - (WIDTH_PX + 2 * _RIM_PX - 1) / 2) / WIDTH_PX
    down = (np.arange(HEIGHT_PX + 2 * _RIM_PX) - (HEIGHT_PX + 2 * _RIM_PX - 1) / 2) / WIDTH_PX
    middles = (centres + 0.5) * _FRAME_PX - 0.5
    pitches = np.interp(centres, cells.centres, np.gradient(cells.centres)) * _FRAME_PX
    x = np.repeat((middles[:, None] + pitches[:, None] * across)[:, None, :], len(down), axis=1)
    y = np.broadcast_to(((STRIP_HEIGHT_PX - 1) / 2 + down * pitch_rows)[None, :, None], x.shape)
    flat = (-1, len(across))
    seen = cv2.remap(
        strip,
        x.reshape(flat).astype(np.float32),
        y.reshape(flat).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(1 - seen.reshape(x.shape), np.float32)


def _windows(patches: Floats, shift: tuple[int, int], about: int) -> Floats:
    """(n, places, pixels): the tiles of a patch up to `about` pixels about a shift, of mean zero and length one."""
    down, across = _RIM_PX + shift[0] - about, _RIM_PX + shift[1] - about
    places = 2 * about
    part = patches[:, down : down + places + HEIGHT_PX, across : across + places + WIDTH_PX]
    views = np.lib.stride_tricks.sliding_window_view(part, (HEIGHT_PX, WIDTH_PX), axis=(1, 2))
    return _unit(views.reshape(len(patches), -1, HEIGHT_PX * WIDTH_PX))


def _unit(vectors: Floats) -> Floats:
    level = vectors - vectors.mean(axis=-1, keepdims=True)
    return np.asarray(level / np.maximum(np.linalg.norm(level, axis=-1, keepdims=True), 1e-6), np.float32)


@lru_cache(maxsize=1)
def _banks() -> tuple[Floats, ...]:
    """The tiles at each sharpness, (37, pixels), of mean zero and length one."""
    row = cv2.imread(str(TILES), cv2.IMREAD_GRAYSCALE)
    if row is None or row.shape != (HEIGHT_PX, WIDTH_PX * len(ALPHABET)):
        raise ValueError(f"{TILES.name} does not hold OCR-B's tiles")
    tiles = np.stack(np.split(row.astype(np.float32), len(ALPHABET), axis=1))
    banks = []
    for blur in _BLURS:
        wide = np.pad(tiles, ((0, 0), (6, 6), (6, 6)))
        soft = np.stack([cv2.GaussianBlur(tile, (0, 0), blur)[6:-6, 6:-6] for tile in wide])
        banks.append(_unit(soft.reshape(len(tiles), -1)))
    return tuple(banks)
