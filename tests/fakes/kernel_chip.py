"""A GPIO chip of the kernel's own simulator (gpio-sim), made through configfs. Needs root and a kernel that has it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

CONFIG = Path("/sys/kernel/config/gpio-sim")


def is_here() -> bool:
    """True where such a chip can be made."""
    return os.access(CONFIG, os.W_OK)


class KernelChip:
    """One chip: `path` is its device; the world pulls its inputs and sees the levels of its pins."""

    def __init__(self, path: str, lines: Path) -> None:
        self.path = path
        self._lines = lines

    def drive(self, line: int, level: bool | None) -> None:  # noqa: FBT001 - a level is high, low or none
        """Put a level on a line; with its wire open it is pulled up, as the profile asks."""
        (self._lines / f"sim_gpio{line}" / "pull").write_text("pull-down" if level is False else "pull-up")

    def level(self, line: int) -> bool:
        """The level at a pin."""
        return (self._lines / f"sim_gpio{line}" / "value").read_text().strip() == "1"


@contextlib.contextmanager
def kernel_chip(*, label: str, lines: int) -> Iterator[KernelChip]:
    """A chip that is gone at the end."""
    chip = CONFIG / f"portcullis-{os.getpid()}"
    bank = chip / "bank0"
    bank.mkdir(parents=True)
    try:
        (bank / "num_lines").write_text(str(lines))
        (bank / "label").write_text(label)
        (chip / "live").write_text("1")
        device, name = (place.read_text().strip() for place in (chip / "dev_name", bank / "chip_name"))
        yield KernelChip(f"/dev/{name}", Path("/sys/devices/platform", device, name))
    finally:
        with contextlib.suppress(OSError):
            (chip / "live").write_text("0")
        bank.rmdir()
        chip.rmdir()
