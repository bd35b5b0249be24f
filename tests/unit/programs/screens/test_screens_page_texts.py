"""What the traveller's page says of itself is what the configuration says of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from fakes.small_gate import small_gate

from gate.programs.screens.page_texts import labels_of
from gate.programs.shared.config import Screens
from gate.screens.kiosk.texts import Languages


def test_the_page_is_as_loud_and_as_large_as_it_is_configured(tmp_path: Path) -> None:
    screens = Screens(volume=25, width_mm=300, distance_cm=90, camera_at="left")
    labels = labels_of(msgspec.structs.replace(small_gate(tmp_path), screens=screens), Languages())
    assert (labels.volume, labels.width_mm, labels.distance_cm, labels.camera_at) == (25, 300, 90, "left")
