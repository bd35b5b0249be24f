"""Distributions of others: loaded as they were approved, or not at all."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate_core.errors import SetupError
from gate_core.outside import Code, Outside, found, settings_type

GROUP = "gate.barriers"
DEVICE = Outside(distribution="acme-gates", name="acme", port="/dev/ttyS9")
MODULE = """
from gate_core.settings.base import Settings

class Acme(Settings, frozen=True, kw_only=True, tag="acme"):
    unit: int = 1
"""


def write(site: Path, files: dict[str, str], *, requires: str = "", name: str = "acme-gates") -> None:
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    whole = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}\n",
        f"{info}/entry_points.txt": f"[{GROUP}]\nacme = acme_gates.board:Acme\nnothing = acme_gates.board:GONE\n",
        "acme_gates/__init__.py": "",
        "acme_gates/board.py": MODULE,
        **files,
    }
    for path, text in whole.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    (site / info / "RECORD").write_text("".join(f"{path},,\n" for path in [*whole, f"{info}/RECORD"]))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder that distributions are installed in; what was loaded from it is forgotten."""
    before, finders = set(sys.modules), list(sys.meta_path)
    yield tmp_path
    sys.meta_path[:] = finders
    for name in set(sys.modules) - before:
        if name.startswith("acme"):
            del sys.modules[name]


def refused(code: Code | None, device: Outside = DEVICE) -> str:
    with pytest.raises(SetupError) as caught:
        settings_type(code, GROUP, device)
    return str(caught.value)


def approved(site: Path, *names: str) -> Code:
    return Code(
        folder=str(site), distributions={name: found(name, str(site)).sha256 for name in names or ("acme-gates",)}
    )


def test_what_is_named_with_its_hash_is_loaded(site: Path) -> None:
    write(site, {})
    assert settings_type(approved(site), GROUP, DEVICE).__name__ == "Acme"


def test_the_hash_is_that_of_sha256sum(site: Path) -> None:
    write(site, {})
    paths = ["acme_gates-1.0.dist-info/entry_points.txt", "acme_gates/__init__.py", "acme_gates/board.py"]
    lines = "".join(f"{hashlib.sha256((site / path).read_bytes()).hexdigest()}  {path}\n" for path in paths)
    assert found("acme-gates", str(site)).sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_what_is_not_named_is_not_loaded(site: Path) -> None:
    write(site, {})
    assert "acme-gates is not named in [outside.distributions]" in refused(None)
    assert "acme_gates" not in sys.modules


def test_what_has_changed_is_not_loaded(site: Path) -> None:
    write(site, {})
    code = approved(site)
    (site / "acme_gates/board.py").write_text(MODULE + "# more\n")
    assert "has other files than were approved" in refused(code)
    assert "acme_gates" not in sys.modules


def test_a_cache_beside_the_module_is_not_read(site: Path) -> None:
    """Python would take a cached file of the same time and size for the module."""
    write(site, {})
    code = approved(site)
    import py_compile

    evil = site / "evil.py"
    evil.write_text(MODULE.replace("Acme", "Evil"))
    stat = (site / "acme_gates/board.py").stat()
    import os

    os.utime(evil, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    py_compile.compile(
        str(evil), cfile=str(site / f"acme_gates/__pycache__/board.{sys.implementation.cache_tag}.pyc"), doraise=True
    )
    assert settings_type(code, GROUP, DEVICE).__name__ == "Acme"


def test_a_file_that_is_not_of_the_distribution_is_not_loaded(site: Path) -> None:
    write(site, {"acme_gates/board.py": MODULE + "import acme_gates.beside\n"})
    code = approved(site)
    (site / "acme_gates/beside.py").write_text("")
    assert "acme_gates.beside is not among the files" in refused(code)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"acme_gates/fast.so": "\x7fELF"}, "has compiled code"),
        ({"gate_core/durable.py": ""}, "would take the place of gate_core"),
        ({"ssl.py": ""}, "would take the place of ssl"),
        ({"gate/passage/machine.py": ""}, "would take the place of gate"),
        ({"acme_gates/board.py": "raise ZeroDivisionError('no')"}, "does not load: ZeroDivisionError: no"),
        ({"acme_gates/board.py": "Acme = 3"}, "is no settings type"),
    ],
)
def test_what_no_gate_can_hold_is_refused_with_the_reason(site: Path, files: dict[str, str], why: str) -> None:
    write(site, files)
    with pytest.raises(SetupError) as caught:
        settings_type(approved(site), GROUP, DEVICE)
    assert why in str(caught.value)


def test_what_it_needs_is_named_too(site: Path) -> None:
    write(site, {"acme_gates/board.py": "import acme_line\n" + MODULE}, requires="Requires-Dist: acme-line>=1")
    write(site, {"acme_line.py": "SPEED = 9600\n"}, name="acme-line")
    assert "needs acme-line: name that, too" in refused(approved(site))


def test_a_driver_that_is_not_there_names_those_that_are(site: Path) -> None:
    write(site, {})
    other = Outside(distribution="acme-gates", name="other", port="/dev/ttyS9")
    assert "has no other among its gate.barriers: acme, nothing" in refused(approved(site), other)


def test_what_is_not_installed_is_said(site: Path) -> None:
    code = Code(folder=str(site), distributions={"acme-gates": "0" * 64})
    assert refused(code) == f"distribution acme-gates is not installed in {site}"
