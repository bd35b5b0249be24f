"""The gate's wheel carries what a gate runs, with its data; not what makes and measures models, nor the central server, which has its own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from fakes.central_process import KEPT
from hatchling.builders.wheel import WheelBuilder

from models.cohort import CohortFile

ROOT = Path(__file__).resolve().parents[2]
CENTRAL = ROOT / "packaging" / "central"
NOUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from gate.cli import main; main()"


def carried_by(project: Path) -> set[str]:
    return {file.distribution_path for file in WheelBuilder(str(project)).recurse_included_files()}


@pytest.fixture(scope="module")
def carried() -> set[str]:
    return carried_by(ROOT)


def test_what_makes_and_measures_models_stays_out(carried: set[str]) -> None:
    assert not {path for path in carried if path.startswith(("models/train/", "models/evaluate/", "tests/"))}


def test_nothing_that_was_made_of_pictures_of_people_is_carried(carried: set[str]) -> None:
    """Models come from packages that the manifest pins; a cohort is made at a site, of its own people, and morphs are made in memory."""
    text = {".py", ".html", ".css", ".js", ".toml", ".ftl", ".md", ".svg", ".go"}
    others = {path for path in carried | carried_by(CENTRAL) if Path(path).suffix not in text}
    assert {path for path in others if Path(path).suffix != ".wav"} == {
        "gate/page/picture/ocr_b.png",  # letters
        "models/weights/mrz_lines.onnx",  # drawn lines of letters
        "gate/rules/population.csv",  # made of published shares: no person is in it
        # A specimen's files, with a face that was rendered.
        *(
            f"gate/programs/reference/{name}.bin"
            for name in ("EF_COM", "EF_DG1", "EF_DG14", "EF_DG15", "EF_DG2", "EF_SOD")
        ),
        "gate/programs/reference/page.jpg",
        "gate/programs/reference/trust.sqlite",
    }
    # The Debian packages are built from what the repository lists: no file of it is a cohort, whatever its name.
    files = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, check=True).stdout.decode()
    cohort = CohortFile.__struct_defaults__[0].encode()
    assert not {
        name
        for name in files.split("\0")
        if name and Path(name).suffix not in text and cohort in (ROOT / name).read_bytes()
    }


def test_pictures_lie_where_somebody_looks_for_them() -> None:
    """None slips in that a browser or a measurement left in somebody's folder: it may show people."""
    files = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, check=True).stdout.decode()
    endings = {".png", ".jpg", ".jpeg", ".jp2", ".j2k", ".webp", ".avif", ".gif", ".bmp", ".pdf"}
    folders = {str(Path(name).parent) for name in files.split("\0") if Path(name).suffix.lower() in endings}
    simulator = "hardware-sim/src/hardware_sim"
    assert folders == {
        *("docs/img", "gate/page/picture", "gate/programs/reference", "tests/vectors"),
        *(f"{simulator}/faces/data", f"{simulator}/renderer"),
    }


def test_what_the_programs_and_commands_read_beside_their_code_is_carried(carried: set[str]) -> None:
    beside = {
        str(path.relative_to(ROOT))
        for room in ("gate", "drivers")
        for ending in ("html", "css", "js", "toml", "png", "ftl", "svg", "go")
        for path in (ROOT / room).rglob(f"*.{ending}")
    }
    assert {"gate/performance/pages/face_report.html", "gate/cli/pages/trust_report.html"} <= beside
    of_central = {path for path in beside if path.startswith("gate/central/")}
    assert of_central <= carried_by(CENTRAL)
    assert beside - of_central | {"models/manifest.toml", "models/fetch.py", "gate/demo/play.py"} <= carried


def test_every_module_of_the_gate_lies_in_one_of_the_two_wheels(carried: set[str]) -> None:
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "gate").rglob("*.py")}
    central = carried_by(CENTRAL)
    assert central & modules == {path for path in modules if path.startswith("gate/central/")}
    assert modules == (carried & modules) | (central & modules)
    assert not carried & central


def test_the_two_wheels_go_together() -> None:
    gate, central = (tomllib.loads((at / "pyproject.toml").read_text()) for at in (ROOT, CENTRAL))
    assert central["project"]["version"] == gate["project"]["version"]
    assert central["project"]["dependencies"] == [
        f"portcullis=={gate['project']['version']}",
        *gate["dependency-groups"]["central"],
    ]


def test_the_central_server_runs_where_both_wheels_are_and_says_what_is_missing_where_one_is(tmp_path: Path) -> None:
    installed, wheels = tmp_path / "installed", tmp_path / "wheels"
    command = [
        *(sys.executable, "-c", NOUN, str(installed), "central", "init"),
        *("--dir", str(tmp_path / "central"), "--name", "central.example", *KEPT),
    ]

    def install(project: Path) -> None:
        for wheel in WheelBuilder(str(project)).build(directory=str(wheels), versions=["standard"]):
            zipfile.ZipFile(wheel).extractall(installed)

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    install(ROOT)
    alone = run()
    assert (alone.returncode, alone.stdout) == (78, "")
    assert "install portcullis-central" in alone.stderr
    install(CENTRAL)
    together = run()
    assert together.returncode == 0, together.stderr
    assert "mirror key, for gates and auditors" in together.stdout


ALONE = """
import importlib, pkgutil, sys
sys.path[:0] = sys.argv[2:]
package = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(package.__path__, f"{sys.argv[1]}."):
    importlib.import_module(found.name)
print(*{name.partition(".")[0] for name in sys.modules} & {"gate", "drivers", "models", "gate_documents", "gate_verify", "hardware_sim"})
"""


@pytest.mark.parametrize(("folder", "package"), [("documents", "gate_documents"), ("verify", "gate_verify")])
def test_a_distribution_is_whole_without_the_others(tmp_path: Path, folder: str, package: str) -> None:
    (wheel,) = WheelBuilder(str(ROOT / folder)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "alone")
        assert f"{package}/py.typed" in archive.namelist()
    # Without -S, this environment's own paths would be searched: they lead to the checkout.
    command = (sys.executable, "-S", "-c", ALONE, package, str(tmp_path / "alone"), sysconfig.get_path("purelib"))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{package}\n"), done.stderr
