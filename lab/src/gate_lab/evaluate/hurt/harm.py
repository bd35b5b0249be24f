"""Permanent damage to a sheet: every picture of it shows the same. Lengths are in pitches of the MRZ's characters.

Each function takes `much` from 0 to 1: from hardly visible to readable only with effort. Some remove a character without a trace.
"""

from __future__ import annotations

import cv2
import numpy as np

from gate_lab.evaluate.hurt.sheet import PITCH_PX, Floats, Sheet


def worn(rng: np.random.Generator, sheet: Sheet, much: float) -> None:
    """Rub ink off in flakes and along the rub's direction."""
    height, width = sheet.ink.shape
    field = np.zeros((height, width), np.float32)
    for grain, weight in ((0.12, 0.6), (0.5, 0.8), (3.0, 0.9)):
        step = max(2, round(grain * PITCH_PX))
        noise = rng.standard_normal((height // step + 2, width // step + 2), dtype=np.float32)
        field += np.float32(weight) * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    field += (
        np.float32(0.5)
        * cv2.GaussianBlur(rng.standard_normal((height, 1), dtype=np.float32), (1, 3), 0)
        * np.ones((1, width), np.float32)
    )
    left = np.clip(0.5 - (field + np.float32(2.6 * much - 3.0)) * np.float32(1.2), np.float32(1 - 0.75 * much), 1)
    sheet.ink *= left.astype(np.float32)


def broken(rng: np.random.Generator, sheet: Sheet, much: float) -> None:
    """Print as a head with dead dots does: pale lines along the text, or across it."""
    left, top, right, bottom = sheet.mrz
    for _ in range(1 + round(3 * much)):
        thick = max(1, round(PITCH_PX * rng.uniform(0.03, 0.05 + 0.07 * much)))
        keep = float(rng.uniform(0.0, 0.5))
        if rng.random() < 0.6:
            row = round(rng.uniform(top, bottom))
            sheet.ink[max(0, row) : row + thick] *= keep
        else:
            column = round(rng.uniform(left, right))
            sheet.ink[:, max(0, column) : column + thick] *= keep


def pen(rng: np.random.Generator, sheet: Sheet, much: float) -> None:
    """Draw strokes of a pen over the MRZ: a slip, a tick, an underline, a signature that ran down."""
    for _ in range(1 + round(2.4 * much)):
        kind = rng.random()
        if kind < 0.25:
            points = _underline(rng, sheet)
        elif kind < 0.6:
            points = _tick(rng, sheet)
        else:
            points = _scrawl(rng, sheet)
        mask = np.zeros(sheet.ink.shape, np.float32)
        thick = max(1, round(PITCH_PX * rng.uniform(0.06, 0.1 + 0.16 * much)))
        cv2.polylines(
            mask,
            [np.round(points * 8).astype(np.int32)],
            isClosed=False,
            color=(1.0,),
            thickness=thick,
            lineType=cv2.LINE_AA,
            shift=3,
        )
        tone = float(rng.uniform(0.12, 0.5))
        sheet.paper += (np.float32(tone) - sheet.paper) * mask
        sheet.ink *= 1 - mask * np.float32(max(0.0, tone - sheet.tone))


def _somewhere(rng: np.random.Generator, sheet: Sheet) -> tuple[float, float]:
    left, top, right, bottom = sheet.mrz
    return float(rng.uniform(left, right)), float(rng.uniform(top, bottom))


def _underline(rng: np.random.Generator, sheet: Sheet) -> Floats:
    left, right, middle = sheet.lines[int(rng.integers(len(sheet.lines)))]
    start, end = np.sort(rng.uniform(left, right, 2))
    return np.array([(start, middle + 0.7 * PITCH_PX), (end, middle + rng.uniform(0.3, 0.9) * PITCH_PX)], np.float32)


def _tick(rng: np.random.Generator, sheet: Sheet) -> Floats:
    x, y = _somewhere(rng, sheet)
    size = rng.uniform(0.6, 2.5) * PITCH_PX
    return np.array([(x - 0.5 * size, y - 0.3 * size), (x, y + 0.5 * size), (x + size, y - size)], np.float32)


def _scrawl(rng: np.random.Generator, sheet: Sheet) -> Floats:
    x, y = _somewhere(rng, sheet)
    part = np.linspace(0, 1, 24)
    along, across = rng.uniform(-6, 6) * PITCH_PX, rng.uniform(-2.5, 2.5) * PITCH_PX
    loops = np.sin(part * rng.uniform(3, 14)) * rng.uniform(0.1, 1.0) * PITCH_PX
    return np.stack([x + along * part, y + across * part + loops], axis=1).astype(np.float32)


def dust(rng: np.random.Generator, sheet: Sheet, much: float) -> None:
    """Add specks, dark and light, and now and then a hair."""
    left, top, right, bottom = sheet.mrz
    for _ in range(round(10 + 170 * much)):
        at = (
            round(rng.uniform(left - PITCH_PX, right + PITCH_PX) * 8),
            round(rng.uniform(top - PITCH_PX, bottom + PITCH_PX) * 8),
        )
        _blot(
            sheet,
            at,
            rng.exponential(0.05 + 0.03 * much) * PITCH_PX + 0.7,
            dark=rng.random() < 0.6,
            tone=float(rng.uniform(0.1, 0.5)),
        )
    if rng.random() < 0.4 * much:
        mask = np.zeros(sheet.ink.shape, np.float32)
        cv2.polylines(
            mask,
            [np.round(_scrawl(rng, sheet) * 8).astype(np.int32)],
            isClosed=False,
            color=(0.7,),
            thickness=1,
            lineType=cv2.LINE_AA,
            shift=3,
        )
        sheet.paper += (np.float32(0.2) - sheet.paper) * mask


def _blot(sheet: Sheet, at: tuple[int, int], radius_px: float, *, dark: bool, tone: float) -> None:
    """Draw a round speck; `at` is in eighths of a pixel."""
    reach = int(radius_px) + 3
    left, top = max(0, at[0] // 8 - reach), max(0, at[1] // 8 - reach)
    part = (slice(top, at[1] // 8 + reach + 1), slice(left, at[0] // 8 + reach + 1))
    mask = np.zeros(sheet.ink[part].shape, np.float32)
    if not mask.size:
        return
    cv2.circle(mask, (at[0] - 8 * left, at[1] - 8 * top), round(radius_px * 8), (1.0,), -1, cv2.LINE_AA, 3)
    if dark:
        sheet.paper[part] += (np.float32(tone) - sheet.paper[part]) * mask
    else:
        sheet.ink[part] *= 1 - mask


def chipped(rng: np.random.Generator, sheet: Sheet, much: float) -> None:
    """Remove pieces of characters, or cover them with ink, with clean edges."""
    for _ in range(1 + round(4 * much)):
        x, y = _somewhere(rng, sheet)
        line = min(sheet.lines, key=lambda one: abs(one[2] - y))
        around = np.array([x, line[2] + rng.uniform(-0.5, 0.5) * PITCH_PX])
        angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
        radii = rng.uniform(0.5, 1.0, 7) * (0.12 + 0.3 * much) * PITCH_PX
        shape = around + np.stack([np.cos(angles) * radii * rng.uniform(0.6, 1.8), np.sin(angles) * radii], axis=1)
        mask = np.zeros(sheet.ink.shape, np.float32)
        cv2.fillPoly(mask, [np.round(shape * 8).astype(np.int32)], (1.0,), cv2.LINE_AA, 3)
        if rng.random() < 0.7:
            sheet.ink *= 1 - mask
        else:
            np.maximum(sheet.ink, mask, out=sheet.ink)


def stained(rng: np.random.Generator, sheet: Sheet, much: float) -> None:
    """Add a dried drop: darker paper with a darker rim; ink may have run."""
    x, y = _somewhere(rng, sheet)
    height, width = sheet.paper.shape
    columns, rows = (
        np.arange(width, dtype=np.float32)[None] - np.float32(x),
        np.arange(height, dtype=np.float32)[:, None] - np.float32(y),
    )
    size = np.float32(rng.uniform(2, 9) * PITCH_PX)
    ragged = 1 + 0.15 * np.sin(
        np.arctan2(rows, columns) * np.float32(rng.integers(2, 7)) + np.float32(rng.uniform(0, 6))
    )
    away = np.sqrt(columns**2 + (np.float32(1.4) * rows) ** 2) / (size * ragged)
    deep = np.float32(0.1 + 0.35 * much)
    sheet.paper *= 1 - deep * (away < 1) - deep * np.exp(-(((away - 1) * size / np.float32(0.15 * PITCH_PX)) ** 2))
    if rng.random() < 0.5:
        run = cv2.GaussianBlur(sheet.ink, (0, 0), (0.02 + 0.08 * much) * PITCH_PX)
        sheet.ink = np.where(away < 1, run, sheet.ink).astype(np.float32)


def scratched(rng: np.random.Generator, sheet: Sheet, much: float) -> None:
    """Add pale scratches through ink and laminate, at any angle; a fold is a scratch from edge to edge."""
    mask = np.zeros(sheet.ink.shape, np.float32)
    for _ in range(1 + round(9 * much)):
        x, y = _somewhere(rng, sheet)
        angle, reach = rng.uniform(0, np.pi), rng.exponential(4.0) * PITCH_PX + PITCH_PX
        side = np.array([np.cos(angle), np.sin(angle)]) * reach
        thick = max(1, round(PITCH_PX * rng.uniform(0.03, 0.06 + 0.08 * much)))
        ends = [tuple(np.round((np.array([x, y]) + sign * side) * 8).astype(int).tolist()) for sign in (-1, 1)]
        cv2.line(mask, ends[0], ends[1], (float(rng.uniform(0.5, 1.0)),), thick, cv2.LINE_AA, 3)
    sheet.ink *= 1 - mask
    sheet.paper += (np.float32(0.93) - sheet.paper) * mask * np.float32(rng.uniform(0, 0.7))


def stamped(rng: np.random.Generator, sheet: Sheet, much: float) -> None:
    """Add a rubber stamp whose edge or lettering covers part of the MRZ."""
    left, top, right, _ = sheet.mrz
    x, y = rng.uniform(left, right), top - rng.uniform(-0.5, 5.0 - 4.0 * much) * PITCH_PX
    radius = rng.uniform(3, 7) * PITCH_PX
    mask = np.zeros((*sheet.ink.shape, 3), np.uint8)
    thick = max(1, round(rng.uniform(0.1, 0.25) * PITCH_PX))
    cv2.circle(mask, (round(x), round(y - 0.5 * radius)), round(radius), (255, 255, 255), thick, cv2.LINE_AA)
    words = f"{int(rng.integers(1, 29)):02} {rng.choice(['JAN', 'JUN', 'NOV'])} 20{int(rng.integers(10, 27))}"
    cv2.putText(
        mask,
        words,
        (round(x - 0.6 * radius), round(y - 0.4 * radius)),
        (255, 255, 255),
        cv2.FontFace("sans"),
        round(1.4 * PITCH_PX),
    )
    share = cv2.GaussianBlur(mask[:, :, 0].astype(np.float32) / np.float32(255), (0, 0), 1.0) * np.float32(
        0.35 + 0.5 * much
    )
    share = share * np.clip(1.2 + cv2.resize(rng.standard_normal((60, 90), dtype=np.float32), share.shape[::-1]), 0, 1)
    sheet.paper += (np.float32(rng.uniform(0.15, 0.5)) - sheet.paper) * share.astype(np.float32)


def lost_end(rng: np.random.Generator, sheet: Sheet, much: float) -> int:
    """Cover one end of the MRZ with a label, a strip or another sheet, often at the width of a shorter format; return the number of columns left.

    `much` is how clean the edge is: at 1 it falls between two characters and has no shadow.
    """
    left, right, _ = sheet.lines[0]
    columns = round((right - left) / PITCH_PX)
    shorter = [width for width in (30, 36) if width < columns]
    keep = int(rng.choice(shorter)) if shorter and rng.random() < 0.75 else int(rng.integers(columns // 2, columns))
    right_end = rng.random() < 0.85
    off = 0.0 if rng.random() < 0.5 + 0.4 * much else float(rng.uniform(-0.3, 0.6))
    edge = round(left + (keep + off) * PITCH_PX) if right_end else round(right - (keep + off) * PITCH_PX)
    part = (slice(None), slice(max(0, edge), None)) if right_end else (slice(None), slice(0, max(0, edge)))
    above = max(0, round(sheet.mrz[1] - rng.uniform(0.3, 8.0) * PITCH_PX))
    part = (slice(above, None), part[1])
    tone = float(rng.choice([float(sheet.paper[-40:, :].mean()), rng.uniform(0.75, 1.0), rng.uniform(0.02, 0.7)]))
    grain = rng.standard_normal(sheet.paper[part].shape, dtype=np.float32) * np.float32(0.006)
    sheet.ink[part] = 0
    sheet.paper[part] = np.float32(tone) + grain
    if rng.random() > much:
        shadow = np.zeros(sheet.paper.shape, np.float32)
        cv2.line(
            shadow, (edge, above), (edge, sheet.paper.shape[0]), (1.0,), max(1, round(0.08 * PITCH_PX)), cv2.LINE_AA
        )
        sheet.paper *= 1 - np.float32(rng.uniform(0.1, 0.5)) * cv2.GaussianBlur(
            shadow, (0, 0), rng.uniform(0.5, 0.25 * PITCH_PX)
        )
    return keep
