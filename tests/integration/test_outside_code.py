"""Programs and another distribution's code: loaded by the one that drives its device, once the configuration is approved, and by no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gate.programs.shared.config import load
from gate.programs.shared.devices import first_load
from gate_core.outside import installed

SETTINGS = """
import pathlib
from gate_core.ports.drivers import BarrierFacts, DriverSettings
pathlib.Path(__file__).with_name("loaded").touch()

class Acme(DriverSettings, frozen=True, kw_only=True):
    facts = BarrierFacts(grant_ends_by="lease", grant_ends_after_ms=3000, ttl_ms=range(1, 2))
    def open(self, line):
        raise ZeroDivisionError
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a distribution that says when it is loaded."""
    files = {
        "acme/__init__.py": "",
        "acme/board.py": SETTINGS,
        "acme-1.dist-info/entry_points.txt": "[portcullis.barriers]\nacme = acme.board:Acme\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "acme-1.dist-info/RECORD").write_text("".join(f"{name},,\n" for name in files))
    return tmp_path


def configured(site: Path, purpose: str, sha256: str = "") -> Path:
    """A configuration that names the distribution."""
    config = site / "gate.toml"
    config.write_text(f"""
purpose = "{purpose}"
gate_id = "g"
operator = "o"
[paths]
run = "{site}/run"
state = "{site}/state"
keys = "{site}/keys"
approval = "{site}/approval"
models = "{site}"
[barrier]
driver = "outside"
port = "/dev/none"
[barrier.code]
name = "acme"
folder = "{site}"
distributions = {{ acme = "{sha256 or installed("acme", site).sha256}" }}
[swipe]
port = "/dev/none-either"
[camera]
address = "http://127.0.0.1:9/stream"
[audit]
recipients = []
""")
    return config


def run(site: Path, program: str, purpose: str, sha256: str = "") -> tuple[int, str]:
    """Start a program; its exit code and what it says."""
    config = configured(site, purpose, sha256)
    command = (sys.executable, "-m", "gate.cli", "run", program, "--config", config)
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("import os; os._exit(0)", "its code ends the process (exit code 0)"),
        ("import os; os.kill(os.getpid(), 11)", "its code ends the process (signal 11)"),
        ("while True: pass", "its code does not return within 2 s"),
    ],
)
def test_code_that_does_not_return_is_named_with_its_cause(
    site: Path, monkeypatch: pytest.MonkeyPatch, harm: str, why: str
) -> None:
    if "while" in harm:
        monkeypatch.setattr(first_load, "LIMIT_S", 2.0)
    (site / "acme/board.py").write_text(f"{SETTINGS}\n{harm}\n")
    config = configured(site, "demo")
    (found,) = first_load.problems(load(config), config)
    assert (found.key, found.problem) == ("barrier.code.name", f"acme does not load: {why}")


def test_the_check_outlives_code_that_ends_its_process(site: Path) -> None:
    (site / "acme/board.py").write_text(f"{SETTINGS}\nimport os; os._exit(0)\n")
    command = (sys.executable, "-m", "gate.cli", "config", "check", "--config", configured(site, "demo"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 78
    assert "gate.toml:15: barrier.code.name: acme does not load: its code ends the process (exit code 0)" in done.stdout


def is_loaded(site: Path) -> bool:
    return (site / "acme/loaded").exists()


def test_the_lane_loads_what_is_named_and_says_what_is_wrong_with_it(site: Path) -> None:
    code, said = run(site, "lane", "demo")
    assert (code, is_loaded(site)) == (78, True)
    assert "gate.toml:15: barrier.code.name: acme does not open: ZeroDivisionError" in said


def test_the_lane_loads_nothing_of_what_nobody_approved(site: Path) -> None:
    code, said = run(site, "lane", "trial")
    assert (code, is_loaded(site)) == (78, False)
    assert "approv" in said


def test_the_lane_loads_nothing_of_what_has_changed(site: Path) -> None:
    approved = installed("acme", site).sha256
    with (site / "acme/board.py").open("a") as file:
        file.write("# one line more\n")
    code, said = run(site, "lane", "demo", approved)
    assert (code, is_loaded(site)) == (78, False)
    assert "gate.toml:17: barrier.code.distributions: acme has files with the hash" in said
    assert f"not {approved}; compare it" in said


def test_the_log_reads_the_same_configuration_and_loads_nothing(site: Path) -> None:
    code, _ = run(site, "log", "demo")  # it has no key here, and ends
    assert code
    assert not is_loaded(site)
