"""Distributions of others: loaded as they were approved, or not at all, with one line that says why and what to do."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import py_compile
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gate_core.outside import OutsideError, installed, opened, settings_of
from gate_core.ports.drivers import BarrierFacts, MrzReader, SensorDriver
from gate_core.settings.outside import Code

GROUP = "portcullis.sensors"
INFO = "acme_gates-1.0.dist-info"
BOARD = "acme_gates/board.py"
ODD_CLASS = """class Odd:
    @property
    def __class__(self): raise OSError('odd')
"""
ODD_TEXT = """class Odd(Exception):
    def __str__(self): raise {}
"""
ODD_IMPORT = """class Odd(ModuleNotFoundError):
    name = property(lambda self: [][0])
"""
MODULE = """
from gate_core.ports.drivers import DriverSettings, Wrong

class Board:
    def __init__(self, port, unit): self.port, self.unit = port, unit
    async def connect(self): pass
    async def status(self): pass
    async def check(self): return ""
    def describe(self): return {}
    def close(self): pass

class Acme(DriverSettings, frozen=True, kw_only=True):
    unit: int = 1
    def contradictions(self):
        if self.unit > 9: yield Wrong("unit", "is beyond 9")
    def open(self, port): return Board(port, self.unit)
"""


def write(
    site: Path,
    files: dict[str, str],
    *,
    name: str = "acme-gates",
    package: str = "acme_gates",
    without: tuple[str, ...] = (),
) -> None:
    """Install a distribution as pip does; `without` are files that it lacks."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    whole = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/entry_points.txt": f"[{GROUP}]\nacme = {package}.board:Acme\nnothing = {package}.board:GONE\n",
        f"{package}/__init__.py": "",
        f"{package}/board.py": MODULE,
        **files,
    }
    whole = {path: text for path, text in whole.items() if path not in without}
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


def approved(site: Path, *names: str, entry: str = "acme", **settings: Any) -> Code:
    hashes = {name: installed(name, site).sha256 for name in names or ("acme-gates",)}
    return Code(name=entry, folder=str(site), distributions=hashes, settings=settings)


def refused(code: Code, act: Callable[[], object] | None = None) -> str:
    with pytest.raises(OutsideError) as caught:
        (act or (lambda: opened(code, SensorDriver, "/dev/ttyS9")))()
    said = str(caught.value)
    assert said.isprintable(), "one line, that no terminal obeys"
    assert len(said) < 1000
    return said


def test_what_is_named_with_its_hash_is_loaded_with_its_settings(site: Path) -> None:
    write(site, {})
    board: Any = opened(approved(site, unit=7), SensorDriver, "/dev/ttyS9")
    assert (board.port, board.unit) == ("/dev/ttyS9", 7)
    assert opened(approved(site), SensorDriver, "/dev/ttyS8"), "a second door"


def test_the_hash_is_that_of_sha256sum(site: Path) -> None:
    write(site, {})
    paths = [f"{INFO}/entry_points.txt", "acme_gates/__init__.py", BOARD]
    lines = "".join(f"{hashlib.sha256((site / path).read_bytes()).hexdigest()}  {path}\n" for path in paths)
    assert installed("acme-gates", site).sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_without_its_hash_nothing_is_loaded_and_the_hash_is_said(site: Path) -> None:
    write(site, {BOARD: "raise SystemExit('side effect')"})
    here = installed("acme-gates", site)
    said = refused(Code(name="acme", folder=str(site), distributions={"acme-gates": ""}))
    assert f"has files with the hash {here.sha256}, which the configuration does not name yet" in said
    assert "have the configuration approved" in said
    assert "approved wheel" not in said, "none is approved yet"
    assert "acme_gates" not in sys.modules


@pytest.mark.parametrize("path", [BOARD, f"{INFO}/entry_points.txt"])
def test_a_changed_byte_is_refused(site: Path, path: str) -> None:
    write(site, {})
    code = approved(site)
    (site / path).write_text((site / path).read_text() + "# \n")
    assert "has files with the hash" in refused(code)
    assert "or install the approved wheel again" in refused(code)
    assert "acme_gates" not in sys.modules


def test_a_file_that_is_added_to_the_record_is_refused(site: Path) -> None:
    write(site, {})
    code = approved(site)
    (site / "acme_gates/more.py").write_text("")
    with (site / INFO / "RECORD").open("a") as record:
        record.write("acme_gates/more.py,,\n")
    assert "has files with the hash" in refused(code)


def test_a_file_beside_the_record_is_not_loaded(site: Path) -> None:
    write(site, {BOARD: MODULE + "import acme_gates.beside\n"})
    code = approved(site)
    (site / "acme_gates/beside.py").write_text("")
    assert "acme_gates.beside is not among the files" in refused(code)


def test_a_cache_beside_the_module_is_not_read(site: Path) -> None:
    """Python would take a cached file of the same time and size for the module."""
    write(site, {})
    code = approved(site)
    evil = site / "evil.py"
    evil.write_text(MODULE.replace("Acme", "Evil"))
    stat = (site / BOARD).stat()
    os.utime(evil, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    cache = Path(importlib.util.cache_from_source(str(site / BOARD)))
    py_compile.compile(str(evil), cfile=str(cache), doraise=True)
    py_compile.compile(str(evil), cfile=str(site / "acme_gates/board.pyc"), doraise=True)
    cached = cache.read_bytes()
    assert opened(code, SensorDriver, "/dev/ttyS9")
    assert cache.read_bytes() == cached, "nothing is cached, either"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"acme_gates/fast.so": "\x7fELF"}, "has compiled code, acme_gates/fast.so; wrap it as a process of its own"),
        ({"gate_core/durable.py": ""}, "has a module gate_core, and so has something that is already here"),
        ({"gate_central.py": ""}, "has a module gate_central"),
        ({"ssl.py": ""}, "has a module ssl"),
        ({"msgspec.py": ""}, "has a module msgspec"),
        ({"gate/passage/machine.py": ""}, "has a module gate,"),
        ({"../beside.py": ""}, "has a file outside its folder or behind a link, ../beside.py"),
        ({BOARD: "raise ZeroDivisionError('no')"}, "acme does not load: ZeroDivisionError: no"),
        ({BOARD: "raise SystemExit(0)"}, "acme does not load: SystemExit: 0"),
        ({BOARD: "import acme_line"}, "No module named 'acme_line'; name what it needs in distributions, too"),
        ({BOARD: MODULE.replace("return Board", "return [].pop() or Board")}, "acme does not open: IndexError"),
        ({BOARD: "class Acme: pass"}, "is no DriverSettings with a method open"),
        ({BOARD: "class Acme:\n    def open(self): pass"}, "is no DriverSettings with a method open"),
        ({"gate_\x1b[2J.py": ""}, "has a module gate_ [2J, and so has"),
        ({BOARD: MODULE.replace("def open", "def opens")}, "is no DriverSettings with a method open"),
        ({BOARD: f"{ODD_CLASS}\nAcme = Odd()"}, "acme does not load: OSError: odd"),
        ({BOARD: "def __getattr__(name): raise KeyError('odd')"}, "acme does not load: KeyError: 'odd'"),
        ({BOARD: "class Odd(BaseException): pass\nraise Odd('odd')"}, "acme does not load: Odd: odd"),
        ({BOARD: "raise SystemExit('one\\x1b[2J' + 'x' * 9999)"}, f"load: SystemExit: one [2J{'x' * 280}"),
        ({BOARD: f"{ODD_TEXT.format('SystemExit')}\nraise Odd"}, "does not load: an error whose text cannot be read"),
        ({BOARD: f"{ODD_IMPORT}\nraise Odd('odd')"}, "acme does not load: Odd: odd"),
        ({f"{INFO}/entry_points.txt": f"[{GROUP}]\nacme = acme_gates.board:a-b\n"}, "acme_gates.board:a-b is no class"),
        ({f"{INFO}/entry_points.txt": f"[{GROUP}]\nacme = os:system\n  more\n"}, "os:system more is no class"),
        ({f"{INFO}/entry_points.txt": f"[{GROUP}]\nod\x1b[2J = x\n"}, "their entry points there: od [2J"),
        ({f"{INFO}/entry_points.txt": f"[{GROUP}]\nacme = os:system\n"}, "os:system is no class in a module of"),
        ({f"{INFO}/entry_points.txt": "acme = \n"}, "has a broken entry_points.txt"),
        ({BOARD: "raise GeneratorExit('gone')"}, "acme does not load: GeneratorExit: gone"),
        ({BOARD: "class Odd(Exception):\n    def __str__(self): return [][0]\nraise Odd"}, "text cannot be read"),
        ({BOARD: "raise ValueError('one\\ntwo')"}, "acme does not load: ValueError: one two"),
        ({BOARD: MODULE.replace("async def status", "def status")}, "gives no SensorDriver: status is no async def"),
        ({BOARD: MODULE.replace("status(self)", "status(self, at)")}, "gives no SensorDriver: status does not take ()"),
        ({BOARD: MODULE.replace("def describe(self): return {}", "describe = {}")}, "describe does not take ()"),
        (
            {BOARD: MODULE.replace("def describe", "@property\n    def describe").replace("{}", "[][0]")},
            "open: IndexError",
        ),
        ({BOARD: MODULE.replace("is beyond 9", "one\\ntwo").replace("> 9", "> 0")}, "code.settings.unit: one two"),
        (
            {BOARD: MODULE.replace("> 9: yield", "> 0: raise OSError('no'); yield")},
            "check its settings",
        ),
        (
            {BOARD: MODULE.replace('Wrong("unit", "is beyond 9")', '"beyond"').replace("> 9", "> 0")},
            "check its settings",
        ),
        ({BOARD: MODULE.replace("unit: int", "unit: 'Nothing'")}, "acme does not"),
    ],
)
def test_what_no_gate_can_hold_is_refused_with_the_reason(site: Path, files: dict[str, str], why: str) -> None:
    site = site / "folder"
    site.mkdir()
    write(site, files)
    assert why in refused(
        Code(name="acme", distributions={"acme-gates": ""}), lambda: opened(approved(site), SensorDriver, "")
    )


@pytest.mark.parametrize("line", ["acme_gates/\0.py", "acme_gates/circle.py"])
def test_a_record_that_names_what_cannot_be_read_is_refused_in_one_line(site: Path, line: str) -> None:
    write(site, {})
    code = approved(site)
    (site / "acme_gates/circle.py").symlink_to(site / "acme_gates/circle.py")
    with (site / INFO / "RECORD").open("a") as record:
        record.write(f"{line},,\n")
    assert "which cannot be read" in refused(code)


@pytest.mark.parametrize("raised", ["raise KeyboardInterrupt", f"{ODD_TEXT.format('KeyboardInterrupt')}\nraise Odd"])
def test_a_user_can_still_interrupt_what_loads(site: Path, raised: str) -> None:
    write(site, {BOARD: raised})
    with pytest.raises(KeyboardInterrupt):
        opened(approved(site), SensorDriver, "")


@pytest.mark.parametrize(
    "facts",
    [
        {"grant_ends_by": "magic"},
        {"grant_ends_by": ["lease"]},
        {"grant_ends_after_ms": 0},
        {"grant_ends_after_ms": 60_001},
        {"grant_ends_by": "host_watchdog"},
        {"grant_ends_by": "host_watchdog", "grant_ends_after_ms": -5},
        {"grant_ends_by": "host_watchdog", "grant_ends_after_ms": 499},
        {"grant_ends_by": "host_watchdog", "grant_ends_after_ms": 5_001},
        {"grant_ends_by": "lease"},
        {"grant_ends_by": "lease", "grant_ends_after_ms": True},
        {"grant_ends_by": "lease", "grant_ends_after_ms": 0.5},
        {"grant_ends_by": "lease", "grant_ends_after_ms": "3000"},
        {"grant_ends_by": "lease", "grant_ends_after_ms": 600_000},
        {"grant_ends_by": "external_timer", "grant_ends_after_ms": 999},
        {"grant_ends_by": "external_timer", "grant_ends_after_ms": 30_001},
        {"verified": "Simulator"},
        {"verified": None},
        {"ttl_ms": (1000, 30_000)},
        {"ttl_ms": range(0)},
        {"ttl_ms": range(30_000, 1_000)},
        {"ttl_ms": range(30_000)},
        {"ttl_ms": range(1_000, 30_001, 100)},
    ],
    ids=str,
)
def test_facts_that_no_board_can_have_are_refused(facts: dict[str, Any]) -> None:
    wrong = list(facts)[-1]
    with pytest.raises(ValueError, match=f"^{wrong.replace('_by', '.*')} is "):
        BarrierFacts(**{"grant_ends_by": "controller_ttl", "ttl_ms": range(1000, 30_001), **facts})


@pytest.mark.parametrize(
    "facts",
    [
        {"grant_ends_by": "controller_ttl"},
        {"grant_ends_by": "controller_ttl", "grant_ends_after_ms": 60_000, "verified": "hardware"},
        {"grant_ends_by": "host_watchdog", "grant_ends_after_ms": 500},
        {"grant_ends_by": "host_watchdog", "grant_ends_after_ms": 5_000},
        {"grant_ends_by": "lease", "grant_ends_after_ms": 1, "verified": "simulator"},
        {"grant_ends_by": "external_timer", "grant_ends_after_ms": 1_000},
        {"grant_ends_by": "external_timer", "grant_ends_after_ms": 30_000},
    ],
    ids=str,
)
def test_facts_that_a_board_can_have_are_taken(facts: dict[str, Any]) -> None:
    assert BarrierFacts(ttl_ms=range(1, 2), **facts).ttl_ms == range(1, 2)


def test_a_package_without_its_init_is_said_to_lack_it(site: Path) -> None:
    write(site, {}, without=("acme_gates/__init__.py",))
    assert "No module named 'acme_gates'; that package has no __init__.py; ask its maker" in refused(approved(site))


@pytest.mark.parametrize("record", [None, b"\xff", b'"' + b"x" * 200_000], ids=["none", "no UTF-8", "no CSV"])
def test_a_record_that_cannot_be_read_is_refused(site: Path, record: bytes | None) -> None:
    write(site, {})
    code = approved(site)
    (site / INFO / "RECORD").unlink()
    if record is not None:
        (site / INFO / "RECORD").write_bytes(record)
    assert "acme-gates has no RECORD of its files that can be read; install its wheel" in refused(code)


@pytest.mark.parametrize(("most", "value"), [("FILES_MAX", 2), ("BYTES_MAX", 600)])
def test_a_distribution_beyond_its_limits_is_refused(
    site: Path, monkeypatch: pytest.MonkeyPatch, most: str, value: int
) -> None:
    write(site, {})
    code = approved(site)
    monkeypatch.setattr(f"gate_core.outside.{most}", value)
    assert "acme-gates is larger than" in refused(code)


@pytest.mark.parametrize(
    ("path", "next_step"),
    [
        ("../../bin/acme", "leave [project.scripts] out of its pyproject.toml"),
        ("../acme.py", "install its wheel with pip --target"),
        ("/etc/hostname", "install its wheel with pip --target"),
    ],
)
def test_a_file_elsewhere_is_refused_with_the_next_step(site: Path, path: str, next_step: str) -> None:
    write(site, {})
    code = approved(site)
    with (site / INFO / "RECORD").open("a") as record:
        record.write(f"{path},,\n")
    assert f"has a file outside its folder or behind a link, {path}; {next_step}" in refused(code)


def test_a_link_out_of_the_folder_is_refused(site: Path) -> None:
    write(site, {})
    code = approved(site)
    (site / "elsewhere.py").write_text((site / BOARD).read_text())
    (site / BOARD).unlink()
    (site / BOARD).symlink_to(site / "elsewhere.py")
    assert "outside its folder or behind a link, acme_gates/board.py" in refused(code)


def test_a_linked_package_is_refused(site: Path) -> None:
    write(site, {})
    code = approved(site)
    (site / "acme_gates").rename(site / "moved")
    (site / "acme_gates").symlink_to(site / "moved")
    assert "outside its folder or behind a link" in refused(code)


def test_what_is_absent_or_there_twice_is_said(site: Path) -> None:
    code = Code(name="acme", folder=str(site), distributions={"acme-gates": "0" * 64})
    assert f"acme-gates is not installed in {site}; install its wheel with pip --target" in refused(code)
    write(site, {})
    (site / "acme.gates-2.0.dist-info").mkdir()
    assert f"acme-gates is installed twice in {site}; empty the folder, then install one version" in refused(code)


def test_two_distributions_with_one_module_are_refused(site: Path) -> None:
    write(site, {})
    write(site, {"other_info": ""}, name="acme-other")
    code = approved(site, "acme-gates", "acme-other")
    assert "more than one have acme in the group portcullis.sensors" in refused(code)
    write(site, {"acme_other-1.0.dist-info/entry_points.txt": ""}, name="acme-other")
    code = approved(site, "acme-gates", "acme-other")
    assert "acme-other has a module acme_gates, and so has something that is already here" in refused(code)


@pytest.mark.parametrize("name", ["gate", "drivers", "models", "hardware_sim"])
def test_the_gates_own_names_are_kept_where_they_are_not_installed_too(
    site: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write(site, {f"{name}.py": ""})
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert f"has a module {name}, and so has something that is already here" in refused(approved(site))


def test_what_it_needs_is_loaded_where_it_is_named(site: Path) -> None:
    write(site, {BOARD: "import acme_line.board\n" + MODULE})
    write(site, {"acme_line-1.0.dist-info/entry_points.txt": ""}, name="acme-line", package="acme_line")
    assert opened(approved(site, "acme-gates", "acme-line"), SensorDriver, "")


def test_an_entry_point_of_another_group_is_none(site: Path) -> None:
    write(site, {f"{INFO}/entry_points.txt": "[portcullis.barriers]\nacme = acme_gates.board:Acme\n"})
    assert "none has acme in the group portcullis.sensors; their entry points there: none" in refused(approved(site))


def test_an_entry_point_that_is_not_there_names_those_that_are(site: Path) -> None:
    write(site, {})
    assert "none has other" in refused(approved(site, entry="other"))
    assert "their entry points there: acme, nothing" in refused(approved(site, entry="other"))
    assert "does not load: AttributeError" in refused(approved(site, entry="nothing"))


def test_a_driver_that_lies_about_its_group_is_refused(site: Path) -> None:
    write(site, {f"{INFO}/entry_points.txt": "[portcullis.mrz_readers]\nacme = acme_gates.board:Acme\n"})
    code = approved(site)
    assert "acme gives no MrzReader: it lacks source, next_lines" in refused(code, lambda: opened(code, MrzReader, ""))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"unit": "one"}, "code.settings.unit: Expected `int`, got `str`"),
        ({"unti": 1}, "code.settings.unti: unknown setting; is unit meant?"),
        ({"unit": 12}, "code.settings.unit: is beyond 9"),
    ],
)
def test_its_settings_are_checked_by_its_own_type(site: Path, settings: dict[str, Any], why: str) -> None:
    write(site, {})
    code = approved(site, **settings)
    assert refused(code, lambda: settings_of(code, SensorDriver)) == why


def test_its_data_comes_from_the_bytes_that_were_hashed(site: Path) -> None:
    read = "\nimport pkgutil\nWORDS = pkgutil.get_data('acme_gates', 'words.txt')\n"
    write(site, {"acme_gates/words.txt": "kept", BOARD: MODULE + read})
    settings_of(approved(site), SensorDriver)
    (site / "acme_gates/words.txt").write_text("changed")
    import pkgutil

    assert pkgutil.get_data("acme_gates", "words.txt") == b"kept"
    with pytest.raises(FileNotFoundError):
        pkgutil.get_data("acme_gates", "more.txt")


def test_another_edition_of_what_is_loaded_is_refused(site: Path) -> None:
    write(site, {})
    settings_of(approved(site), SensorDriver)
    write(site, {BOARD: MODULE + "# another\n"})
    assert "acme-gates is loaded already, with other files, from" in refused(approved(site))
