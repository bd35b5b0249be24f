"""Draws the simulated people anew into the simulator's data: `scripts/faces`. About eight minutes on two cores."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import cv2

from hardware_sim.faces import identity
from hardware_sim.sequences import poses
from renderer import astronaut, files, portraits, sheets
from renderer.head import Head
from renderer.people import people


def draw(name: str) -> None:
    """Write everything of one person."""
    place = identity.DATA / name
    if name == astronaut.NAME:
        portrait, frames = astronaut.portrait(), astronaut.frames()
    else:
        person = next(person for person in people() if person.name == name)
        head = Head(person)
        portrait, frames = portraits.portrait(head), portraits.frames(head)
        seen = [sheets.photographed(head, pose) for pose in poses.POSES]
        place.with_suffix(".npz").write_bytes(files.packed(sheets.anatomy(head, person), seen))
    place.with_suffix(".jpg").write_bytes(portraits.portrait_jpeg(portrait))
    place.with_suffix(".avif").write_bytes(files.loop(frames))


def main() -> None:
    """Draw everybody, a process a core, and write the manifest."""
    names = (*(person.name for person in people()), astronaut.NAME)
    identity.DATA.mkdir(exist_ok=True)
    # Spawned, for a process that has run threads cannot be forked safely.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        list(pool.map(draw, names))  # raises what one of them raised
    (identity.DATA / identity.MANIFEST).write_bytes(files.manifest(identity.DATA, names))


if __name__ == "__main__":
    main()
