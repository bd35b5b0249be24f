"""The audit log by programs that nobody here wrote: Go's note and tlog, aics-tlog; and a log by others through our verifier."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.audit_logs import SmallLog, crossing
from shared_data import SHARED_DATA

from gate_core.audit_format.export import Outlet, tiles
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_demo import foreign
from gate_verify.verify import verify

TESSERA = SHARED_DATA / "tlog/tessera-log/testdata/log"
TESSERA_VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
MIRROR = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)

needs_go = pytest.mark.skipif(not foreign.is_here(), reason=f"no Go here: {foreign.NEEDS}")
needs_aics = pytest.mark.skipif(sys.version_info < (3, 12), reason="aics-tlog needs Python 3.12")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return foreign.build(tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """535 entries, exported as tiles; as it was after 270 in `before`. Tiles are full and partial, and on two levels."""
    small = SmallLog(tmp_path_factory.mktemp("log"))
    small.write(*(crossing(f"a{number}") for number in range(54)))
    (small.folder / "before").write_bytes(Outlet(small.spool).note().to_bytes())
    small.write(*(crossing(f"b{number}") for number in range(53)))
    tiles(Outlet(small.spool), small.folder / "tiles")
    return small


@pytest.fixture
def copy(log: SmallLog, tmp_path: Path) -> Path:
    return Path(shutil.copytree(log.folder / "tiles", tmp_path / "tiles"))


def flip(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def swap_entries(folder: Path) -> None:
    one, other = folder / "tile/entries/000", folder / "tile/entries/001"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def claim_more(folder: Path) -> None:
    path = folder / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n535\n", b"\n536\n"))


TAMPERINGS: dict[str, Callable[[Path], object]] = {
    "a byte of an entry": lambda folder: flip(folder / "tile/entries/001", 5000),
    "a byte of a hash": lambda folder: flip(folder / "tile/0/000", 77),
    "a byte of a hash of hashes": lambda folder: flip(folder / "tile/1/000.p/2", 3),
    "a cut piece": lambda folder: (folder / "tile/entries/002.p/23").write_bytes(b""),
    "entries in other places": swap_entries,
    "another size": claim_more,
}


@needs_go
def test_go_verifies_our_log_and_that_it_grew_from_what_it_was(log: SmallLog, program: Path) -> None:
    said = foreign.check(program, log.vkey, log.folder / "tiles", log.folder / "before")
    assert said == (True, "OK border.example/gate-0001/demo 535 entries")
    stranger = Signer.generate(log.signer.verifier.name).verifier.vkey
    assert not foreign.check(program, stranger, log.folder / "tiles")[0]


@needs_go
@pytest.mark.parametrize("what", list(TAMPERINGS))
def test_go_and_our_verifier_find_what_was_changed(what: str, log: SmallLog, program: Path, copy: Path) -> None:
    TAMPERINGS[what](copy)
    is_good, said = foreign.check(program, log.vkey, copy)
    assert not is_good
    assert said.startswith("FAIL:"), said
    assert not verify(copy, log.vkey).intact


@needs_go
def test_go_finds_a_log_that_does_not_continue_the_one_of_before(log: SmallLog, program: Path) -> None:
    other = SmallLog(log.folder / "other", log.signer, log.auditors)
    other.folder.mkdir()
    other.write(*(crossing(f"a{number}") for number in range(120)))
    assert foreign.check(program, log.vkey, other.spool)[0]
    assert not foreign.check(program, log.vkey, other.spool, log.folder / "before")[0]


@needs_go
@pytest.mark.conformance
def test_go_verifies_a_log_by_others_with_the_same_lines_around_it(program: Path) -> None:
    for size in range(1, 16):
        assert foreign.check(program, TESSERA_VKEY, TESSERA, TESSERA / f"checkpoint.{size}")[0]


@pytest.mark.conformance
def test_our_verifier_takes_a_log_by_others_for_signed_and_whole_and_its_entries_for_none_of_ours(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    shutil.copytree(TESSERA / "tile", folder / "tile")
    shutil.copy(TESSERA / "checkpoint", folder)
    problems = [one for one in verify(folder, TESSERA_VKEY).problems if "is no file of the log" not in one]
    assert [one.partition(": ")[0] for one in problems] == [f"entry {n} is no header" for n in range(15)]
    entries = next(folder.glob("tile/entries/000.p/15"))
    flip(entries, 2)
    assert "the entries do not lead to the root that was signed" in verify(folder, TESSERA_VKEY).problems


# ── aics-tlog ────────────────────────────────────────────────────────────────────────────────────────────────────────


def aics(verb: str, *words: object) -> dict[str, object]:
    assert importlib.util.find_spec("aics_tlog") is not None, "requirements/dev.txt has it"
    done = subprocess.run(
        [sys.executable, "-m", "aics_tlog", verb, *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    found: dict[str, object] = json.loads(done.stdout)
    assert found["ok"] is (done.returncode == 0)
    return found


@needs_aics
def test_aics_verifies_checkpoint_entries_growth_and_the_mirrors_word(log: SmallLog, tmp_path: Path) -> None:
    log_key = ("--log-key", log.vkey, "--tiles", log.folder / "tiles")
    assert aics("verify-checkpoint", *log_key)["size"] == 535
    for index in (0, 255, 256, 534):
        assert aics("verify-inclusion", "--index", index, *log_key)["ok"]
    assert aics("verify-consistency", "--old-checkpoint", log.folder / "before", *log_key)["ok"]
    note = Outlet(log.spool).note()
    (tmp_path / "cosigned").write_bytes(
        Note(note.text, (*note.signatures, MIRROR.cosign(note.text, 1_795_600_000))).to_bytes()
    )
    witnessed = ("--note", tmp_path / "cosigned", "--witness-key", MIRROR.verifier.vkey, "--quorum", "1")
    assert aics("verify-checkpoint", *witnessed, "--log-key", log.vkey)["cosignatures"] == 1


@needs_aics
@pytest.mark.parametrize("what", ["a byte of an entry", "a byte of a hash", "another size"])
def test_aics_finds_what_was_changed(what: str, log: SmallLog, copy: Path) -> None:
    TAMPERINGS[what](copy)
    verb = (
        ("verify-checkpoint",)
        if what == "another size"
        else ("verify-inclusion", "--index", "270" if "entry" in what else "2")
    )
    assert not aics(*verb, "--log-key", log.vkey, "--tiles", copy)["ok"]
