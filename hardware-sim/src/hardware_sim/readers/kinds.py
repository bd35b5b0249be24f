"""Every kind of simulated reader by name, with its line's speed and what `gate.toml` calls its driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware_sim.readers.elyctis import ElyctisReader
from hardware_sim.readers.imagers import HoneywellImager, ScanEngine
from hardware_sim.readers.keyboard import KeyboardReader
from hardware_sim.readers.talkers import TalkingReader, cr100_text, rte_native, stx_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware_sim.readers.device import ReaderDevice


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `make` takes a seed."""

    make: Callable[[int], ReaderDevice]
    baud: int
    driver: str
    profile: str = ""

    def settings(self) -> dict[str, str | int]:
        """The reader as the gate's configuration names it, without its port."""
        return {"driver": self.driver, "baud": self.baud, **({"profile": self.profile} if self.profile else {})}


KINDS = {
    "elyctis": Kind(ElyctisReader, 9_600, "elyctis"),
    "rte-native": Kind(lambda seed: TalkingReader(rte_native, seed, has_check=True), 9_600, "stx", "rte-native"),
    "stx-plain": Kind(lambda seed: TalkingReader(stx_plain, seed), 9_600, "stx", "stx-plain"),
    "text": Kind(lambda seed: TalkingReader(cr100_text, seed), 115_200, "text"),
    "honeywell": Kind(HoneywellImager, 115_200, "imager", "honeywell"),
    "scan-engine": Kind(ScanEngine, 115_200, "imager", "scan-engine-7e"),
    # Events are many bytes a character; the speed is no property of a keyboard.
    "keyboard": Kind(KeyboardReader, 921_600, "keyboard"),
}
USUAL = "elyctis"
PAGE_READER = "page"  # no serial reader: a document camera, `hardware_sim.page`
