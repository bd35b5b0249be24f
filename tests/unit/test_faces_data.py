"""The files of the simulated people: drawn by the renderer that is here, whole, small, and in the simulator's wheel."""

import json

from fakes.roots import ROOT
from hatchling.builders.wheel import WheelBuilder
from renderer import files

from hardware_sim.faces import identity
from hardware_sim.sequences import people

BYTES_MAX = 6_000_000
MANIFEST = json.loads((identity.DATA / identity.MANIFEST).read_bytes())


def test_the_pictures_were_drawn_by_this_renderer() -> None:
    """Whoever changes what draws them draws them anew: `scripts/faces`."""
    assert MANIFEST["renderer"] == files.renderer()


def test_the_files_are_those_that_were_drawn() -> None:
    assert json.loads(files.manifest(identity.DATA, identity.names())) == MANIFEST
    everybody = {f"{name}.{kind}" for name in identity.names() for kind in ("jpg", "avif")}
    assert set(MANIFEST["files"]) == everybody | {f"{name}.npz" for name in people()}


def test_they_and_the_photograph_take_no_more_than_a_clone_may_weigh() -> None:
    drawn = [path.stat().st_size for folder in (identity.DATA, files.HERE) for path in folder.iterdir()]
    assert 1_000_000 < sum(drawn) < BYTES_MAX


def test_the_wheel_has_them() -> None:
    carried = {file.distribution_path for file in WheelBuilder(str(ROOT / "hardware-sim")).recurse_included_files()}
    pictures = {path.name for path in identity.DATA.iterdir()}
    assert {f"hardware_sim/faces/data/{name}" for name in pictures} <= carried
