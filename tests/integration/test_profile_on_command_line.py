"""A site's own profile with something wrong in it, on the real command line: exit code 78, and one line with the file, the key and its line."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest
import tomli_w
from fakes.small_gate import small_gate
from fakes.tiers import quick_or_long

LIMIT_S = 60
# What is changed in which shipped profile, and the key that is to blame.
WRONG = {
    "unknown key": ("lot", "holding = 0x3010\ncount = 3", "holding = 0x3010\ncount = 3\ncolour = 1", "reads.2.colour"),
    "overlap": ("lot", "granted_right = { holding = 0x41 }", "granted_right = { holding = 0x40 }", "status.granted_right"),
    "no end of grant": ("relay-8", 'grant_ends_by = ["host_watchdog", "external_timer"]', "grant_ends_by = []", "grant_ends_by"),
    "framed: unknown key": ("ds205a", "close = {", "shut = {", "commands.shut"),
    "framed: overlap": ("ds205a", 'passages_right = "right"', 'passages_right = "left"', "status.passages_right"),
    "framed: no end of grant": ("ds205a", 'grant_ends_by = ["controller_ttl"]', "grant_ends_by = []", "grant_ends_by"),
}  # fmt: skip
COMMANDS = (("selftest", "--json"), ("run", "lane"))
QUICK = ("no end of grant",)


@pytest.mark.parametrize("name", quick_or_long(WRONG, quick=QUICK))
def test_a_profile_with_a_mistake_is_refused_with_file_key_and_line(name: str, tmp_path: Path) -> None:
    shipped, was, becomes, key = WRONG[name]
    text = (resources.files("drivers.profiles") / "barrier" / f"{shipped}.toml").read_text()
    assert text.count(was) == 1
    site = tmp_path / "site.toml"
    site.write_text(text.replace(was, becomes))
    site.chmod(0o644)
    (tmp_path / "gate").mkdir()
    small_gate(tmp_path / "gate")
    path = tmp_path / "gate" / "gate.toml"
    table = tomllib.loads(path.read_text())
    driver = "framed" if shipped == "ds205a" else "modbus"
    table["barrier"] = {"driver": driver, "port": str(tmp_path / "line"), "profile": str(site)}
    path.write_text(tomli_w.dumps(table))
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", *command, "--config", str(path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        assert done.returncode == 78, (command, done.stderr)
        (line,) = done.stderr.strip().splitlines()
        place, _, _ = line.partition(f"{key}")
        number = int(place.rsplit(f"{site}:", 1)[1].split(":")[0])
        said = site.read_text().splitlines()[number - 1]
        assert key.rsplit(".", 1)[-1] in said, line
