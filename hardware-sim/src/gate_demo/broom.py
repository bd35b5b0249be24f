"""A demo's folder is gone with the demo, however that ends: a process of its own waits for the end, and removes the folder."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

# A demo that was killed leaves processes that end in these moments, and may write yet.
_BROOM = """PATH=/usr/bin:/bin
trap '' HUP INT TERM
read -r well
for again in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf -- "$1"
    [ -z "$well" ] || exit 0
    sleep 0.5
    [ -e "$1" ] || exit 0
done"""


@contextlib.contextmanager
def swept(parent: Path) -> Iterator[Path]:
    """A new folder in this one, removed when the block ends, and when this process does before. Its broom is there first, so that no signal comes
    in between. Raises OSError.
    """
    folder = parent / f"gate-{secrets.token_hex(4)}"  # short: Unix sockets have paths of 107 bytes at most
    with subprocess.Popen(
        ["/bin/sh", "-c", _BROOM, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as broom:
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            broom.communicate(b"well\n")
