"""A log checker with rules from outside this project: a few lines around packages of the Go project, as in Debian."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from gate_core.settings.environment import cache_folder, environment_with

SOURCE = Path(__file__).with_name("logcheck.go")
GO_PACKAGES = Path("/usr/share/gocode")  # Debian's sources of golang-golang-x-mod-dev
NEEDS = "apt-get install golang-go golang-golang-x-mod-dev"
_BUILD_S, _CHECK_S = 600, 600


def is_here() -> bool:
    """Return True when Go and its log package are on this machine."""
    return shutil.which("go") is not None and (GO_PACKAGES / "src/golang.org/x/mod/sumdb/tlog").is_dir()


def build(folder: Path) -> Path:
    """Compile the checker into this folder; the first time takes half a minute. Raises OSError, SubprocessError."""
    program = folder / "logcheck"
    settings = {
        "GO111MODULE": "off",
        "GOPATH": str(GO_PACKAGES),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false",
        "GOCACHE": str(cache_folder() / "go"),
    }
    compiler = shutil.which("go") or "go"
    subprocess.run(
        [compiler, "build", "-o", str(program), str(SOURCE)],
        env=environment_with(settings),
        check=True,
        capture_output=True,
        timeout=_BUILD_S,
    )
    return program


def check(program: Path, vkey: str, folder: Path, before: Path | None = None) -> tuple[bool, str]:
    """Check a folder of tiles, and an earlier checkpoint; return result and text. Raises OSError, SubprocessError."""
    words = [str(program), vkey, str(folder), *([] if before is None else [str(before)])]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=_CHECK_S)
    return done.returncode == 0, (done.stdout or done.stderr).strip()
