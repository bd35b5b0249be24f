"""The identities that the world gives to its travellers, in an order that never changes.

The first call renders what the cache lacks, with one process a core and progress on standard error; later calls take
a fraction of a second. The pictures themselves are read from the album when first asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces import album, astronaut
from hardware_sim.faces.people import people

if TYPE_CHECKING:
    from pathlib import Path

    from hardware_sim.faces.hall import Picture

_RENDER_TIMEOUT_S = 600.0
_LINE_MAX = 400  # characters of the last line that a renderer said before it failed


class FacesNotRenderedError(RuntimeError):
    """A renderer failed; the message ends with its last words."""


@dataclass(frozen=True)
class Identity:
    """One person of the simulated world. Equal names are equal people."""

    name: str
    _path: Path

    def portrait_jpeg(self) -> bytes:
        """Return the passport portrait, 413 x 531, small enough for DG2."""
        return _album(self._path).portrait

    def portrait(self) -> Picture:
        """Return the passport portrait, (531, 413, 3) BGR."""
        return _decoded(self.portrait_jpeg())

    @property
    def loop_length(self) -> int:
        """How many frames until the first comes again."""
        return len(_album(self._path).frames)

    def frame(self, index: int) -> Picture:
        """Return live frame `index` of the loop, (480, 640, 3) BGR."""
        return _decoded(_album(self._path).frames[index])

    def frames(self) -> tuple[Picture, ...]:
        """Return all live frames: about 22 MB, decoded anew at each call."""
        return tuple(self.frame(index) for index in range(self.loop_length))


def names() -> tuple[str, ...]:
    """Return the identities' names in their order."""
    return (*(person.name for person in people()), astronaut.NAME)


def identities(place: Path | None = None) -> tuple[Identity, ...]:
    """Return all identities, rendering those whose album is missing or damaged.

    `place` is the albums' folder, by default the one in the user's cache. Raises FacesNotRenderedError.
    """
    at = place or album.folder()
    paths = {name: at / f"{name}.album" for name in names()}
    if not all(_sound(path) for path in paths.values()):
        with album.alone(at):
            _render([name for name, path in paths.items() if not _sound(path)], at)
        if place is None:
            album.forget_old_versions(at)
    return tuple(Identity(name, path) for name, path in paths.items())


def _sound(path: Path) -> bool:
    try:
        _album(path)
    except album.BadAlbumError:
        return False
    return True


@lru_cache(maxsize=32)  # albums are some 2 MB each; failures are not kept
def _album(path: Path) -> album.Album:
    return album.read(path)


def _decoded(jpeg: bytes) -> Picture:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None, "the album's digest holds, and it was written from pictures"
    return picture.astype(np.uint8)


def _render(missing: list[str], place: Path) -> None:
    """Render each missing person in a process of its own, as many at a time as there are cores."""
    total = len(missing)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as workers:
        running = [workers.submit(_render_one, name, place) for name in missing]
        try:
            _say(0, total)
            for done, future in enumerate(as_completed(running), start=1):
                future.result()
                _say(done, total)
        except BaseException:  # Ctrl-C, too: who has not begun does not begin
            workers.shutdown(cancel_futures=True)
            raise
    print(file=sys.stderr)


def _say(done: int, total: int) -> None:
    print(
        f"\rrendering the simulated people, once, about a minute: {done} of {total}",
        end="",
        file=sys.stderr,
        flush=True,
    )


def _render_one(name: str, place: Path) -> None:
    command = [sys.executable, "-m", "hardware_sim.faces.develop", name, str(place)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_RENDER_TIMEOUT_S, env=environment)
    except subprocess.CalledProcessError as error:
        last_words = error.stderr.decode(errors="replace").strip().rpartition("\n")[2][:_LINE_MAX]
        raise FacesNotRenderedError(f"{name} cannot be rendered: {last_words}") from error
    except subprocess.TimeoutExpired as error:
        raise FacesNotRenderedError(f"{name} cannot be rendered in {_RENDER_TIMEOUT_S:.0f} s") from error
