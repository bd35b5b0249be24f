"""Renders one identity into its album: `python -m hardware_sim.faces.develop NAME FOLDER`.

A program of its own, so that `identity` can use every core without asking how its caller was started.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2

from hardware_sim.faces import album, astronaut, studio
from hardware_sim.faces.head import Head
from hardware_sim.faces.people import people

FRAME_QUALITY = 95


def developed(name: str) -> album.Album:
    """Make every picture of the identity. Raises KeyError for a name that nobody has."""
    if name == astronaut.NAME:
        portrait, frames = astronaut.portrait(), astronaut.frames()
    else:
        head = Head({person.name: person for person in people()}[name])
        portrait, frames = studio.portrait(head), studio.frames(head)
    return album.Album(studio.portrait_jpeg(portrait), tuple(studio.jpeg(frame, FRAME_QUALITY) for frame in frames))


def main() -> None:
    """Run the program."""
    name, folder = sys.argv[1:]
    cv2.setNumThreads(1)  # one process a core already
    album.write(Path(folder) / f"{name}.album", developed(name))


if __name__ == "__main__":
    main()
