"""The locks: hashes everywhere, addresses nowhere, and wheels for a Jetson's architecture."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
NO_REGISTRY = "no package registry is reached"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_package_is_pinned_with_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    packages = re.split(r"\n(?=[a-zA-Z])", text.strip())
    assert packages
    for package in packages:
        assert re.match(r"[a-zA-Z0-9._-]+==\S+", package), package[:60]
        assert "--hash=sha256:" in package or "sys_platform == 'never'" in package, package[:60]


def test_the_gates_packages_have_wheels_for_aarch64(tmp_path: Path) -> None:
    """All but the PC/SC binding, which is compiled on the machine, as the README's set-up does everywhere.

    For the Python that runs this test: pip judges a requirement's conditions by itself.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    blocks = re.split(r"\n(?=[a-zA-Z])", (REQUIREMENTS / "gate.txt").read_text().strip())
    wheels = tmp_path / "gate.txt"
    wheels.write_text("\n".join(block for block in blocks if not block.startswith("pyscard==")) + "\n")
    platforms = [f"--platform=manylinux_2_{glibc}_aarch64" for glibc in (17, 28, 34)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"),
            *("--target", str(tmp_path / "target"), *platforms, f"--python-version={python}"),
            *("--only-binary=:all:", "--require-hashes", "--retries=0", "-r", str(wheels)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    if "Failed to establish a new connection" in done.stderr or "Temporary failure in name" in done.stderr:
        pytest.skip(NO_REGISTRY)
    assert done.returncode == 0, done.stderr[-500:]
