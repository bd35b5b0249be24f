"""Code of other distributions, in every place of a configuration that may name it."""

from __future__ import annotations

from pathlib import Path

from gate.programs.shared.config import parse
from gate.programs.shared.devices import cameras, pads, profiles, registers


def test_every_place_for_foreign_code_says_its_problem_with_its_key(tmp_path: Path) -> None:
    """Each kind of device, by the key to change in gate.toml."""
    code = {"name": "acme", "folder": str(tmp_path), "distributions": {"acme-gates": ""}}
    device = {"driver": "outside", "port": "/dev/ttyS9", "code": code}
    config = parse(
        {
            "purpose": "demo",
            "gate_id": "g",
            "operator": "o",
            "barrier": device,
            "first_barrier": {**device, "port": "/dev/ttyS8"},
            "sensors": {**device, "port": "/dev/ttyS7"},
            "swipe": {**device, "port": "/dev/ttyS6"},
            "camera": {
                "driver": "outside",
                "address": "/dev/video9",
                "code": code,
                "pad": {"socket": "/run/pad", "profile": "portcullis-sim", "code": code},
            },
            "registers": {"online": {"wanted": {"adapter": "outside", "code": code}}},
            "audit": {"recipients": []},
        }
    )
    assert config.has_outside_code
    assert config.camera.pad is not None
    found = [*profiles.problems(config), *cameras.problems(config), *pads.code_problems(config.camera.pad)]
    found += registers.problems(config)
    keys = ("barrier", "first_barrier", "sensors", "swipe", "camera", "camera.pad", "registers.online.wanted")
    assert [one.key for one in found] == [f"{key}.code.distributions" for key in keys]
    assert all("acme-gates is not installed in" in one.problem for one in found)
