"""A machine that slows itself down: the kernel's zones, by their own trip points."""

from __future__ import annotations

from pathlib import Path

from gate.programs.vision.readiness import hot_zones


def zone(folder: Path, number: int, kind: str, temp: str, **points: str) -> None:
    place = folder / f"thermal_zone{number}"
    place.mkdir()
    (place / "type").write_text(f"{kind}\n")
    (place / "temp").write_text(f"{temp}\n")
    for index, (name, at) in enumerate(points.items()):
        (place / f"trip_point_{index}_type").write_text(f"{name}\n")
        (place / f"trip_point_{index}_temp").write_text(f"{at}\n")


def test_a_zone_at_its_passive_point_is_hot(tmp_path: Path) -> None:
    zone(tmp_path, 0, "cpu-thermal", "99000", critical="105000", passive="99000")
    zone(tmp_path, 1, "gpu-thermal", "98999", passive="99000")
    zone(tmp_path, 2, "fan", "99000", active="50000", critical="105000")
    assert hot_zones(tmp_path) == ["cpu-thermal"]


def test_what_cannot_be_read_is_not_hot(tmp_path: Path) -> None:
    zone(tmp_path, 0, "broken", "no number", passive="1000")
    zone(tmp_path, 1, "disabled", "40000", passive="0")
    (tmp_path / "thermal_zone2").mkdir()
    assert hot_zones(tmp_path) == []
    assert hot_zones(tmp_path / "none") == []
