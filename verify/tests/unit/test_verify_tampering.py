"""The verifier against whoever changes a log: any changed byte, a cut tail, swapped and dropped entries, strange files."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from core_fakes.sealed_log import ORIGIN, crossing
from core_fakes.sealed_log import plain_record as wanted
from hypothesis import given, settings
from hypothesis import strategies as st
from verify_fakes.audit_logs import StoredLog, Wanted

from gate_core.audit_format.note import Note, Signer
from gate_verify.bundle import judge_bundle
from gate_verify.consistency import Comparison, Read
from gate_verify.findings import PROBLEMS_MAX, Findings, Report, StructureError, UnreadableError
from gate_verify.folder import split_entries, split_sealed
from gate_verify.handover import KeyRing
from gate_verify.judge import Header, read_header
from gate_verify.signed_note import LogKey, exact_base64, read_head, read_vkey
from gate_verify.tree import Tree
from gate_verify.verify import Known, verify

RANDOM = random.Random(7)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> StoredLog:
    small = StoredLog(tmp_path_factory.mktemp("log"))
    small.write(crossing("c1"), [wanted("presence")], crossing("c2"))
    return small


@pytest.fixture(scope="module")
def bundle(log: StoredLog) -> bytes:
    return log.bundle()


def judged(folder: Path, vkey: str, content: bytes) -> Report:
    path = folder / "a.bundle"
    path.write_bytes(content)
    return verify(path, vkey)


def is_verified(content: bytes, key: LogKey) -> bool:
    read = Read("a.bundle", "bundle", judge_bundle(io.BytesIO(content), KeyRing((key,))))
    return Comparison([read]).report().verified


def rewritten(content: bytes, change: Callable[[list[dict[str, Any]]], None]) -> bytes:
    """The bundle after a change, spelled as the format wants it."""
    lines = [json.loads(line) for line in content.splitlines()]
    change(lines)
    return b"".join(json.dumps(one, sort_keys=True, separators=(",", ":")).encode() + b"\n" for one in lines)


def entries(lines: list[dict[str, Any]]) -> list[int]:
    return [at for at, line in enumerate(lines) if "leaf" in line]


# ── bundles ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_untouched_bundle_is_verified_with_its_figures(log: StoredLog, bundle: bytes, tmp_path: Path) -> None:
    report = judged(tmp_path, log.vkey, bundle)
    assert report.problems == ()
    assert report.verified
    assert (report.entries, report.bodies, report.keys, report.erased, report.checkpoints) == (11, 11, 3, 0, 1)
    assert report.first_time == report.last_time == "2026-11-25T10:00:00Z"


def test_the_entries_of_another_gate_are_not_this_logs_whatever_was_signed(log: StoredLog, tmp_path: Path) -> None:
    """Whoever holds a log's key can sign for whatever entries: those of another gate, bodies and all, are still not its own."""
    other = StoredLog(tmp_path / "other", signer=Signer.generate("border.example/gate-0002/demo"))
    other.folder.mkdir()
    other.write(crossing("c1"))

    def sign_again(lines: list[dict[str, Any]]) -> None:
        text = Note.parse(lines[0]["checkpoint"].encode()).text.replace(other.signer.verifier.name, ORIGIN, 1)
        lines[0]["checkpoint"] = Note(text, (log.signer.sign(text),)).to_bytes().decode()

    problems = judged(tmp_path, log.vkey, rewritten(other.bundle(), sign_again)).problems
    assert problems == tuple(
        f"entry {n} is of border.example/gate-0002/demo, not of {log.signer.verifier.name}" for n in range(5)
    ), "without the origin in each entry there is nothing to find"


def test_a_body_of_a_length_of_its_own_is_named(tmp_path: Path) -> None:
    log = StoredLog(tmp_path)
    happening = wanted("release").happening
    log.write([Wanted(happening, (happening.envelope() + b"\n{}").ljust(300))])
    assert verify(log.spool, log.vkey).problems == ("entry 0 is sealed to a length that no other has",)


def test_any_single_changed_byte_is_found(tmp_path: Path) -> None:
    log = StoredLog(tmp_path)
    log.write([wanted("opened", "c1"), wanted("decided", "c1"), wanted("presence")])
    bundle, key = log.bundle(), read_vkey(log.vkey)
    assert is_verified(bundle, key)
    missed = []
    for at in range(len(bundle)):
        changed = bytearray(bundle)
        changed[at] ^= RANDOM.randrange(1, 256)
        if is_verified(bytes(changed), key):
            missed.append(at)
    assert missed == []


def test_any_truncated_tail_is_found(log: StoredLog, bundle: bytes, tmp_path: Path) -> None:
    for length in (*range(0, len(bundle), 41), len(bundle) - 1):
        assert not judged(tmp_path, log.vkey, bundle[:length]).verified


def test_whole_lines_cut_off_are_found_even_with_a_fitting_last_line(
    log: StoredLog, bundle: bytes, tmp_path: Path
) -> None:
    def cut(lines: list[dict[str, Any]]) -> None:
        last = lines.pop()
        del lines[entries(lines)[-1] :]
        lines.append({"entries": last["entries"] - 1, "keys": sum("key" in line for line in lines)})

    assert any("11 entries, 10" in one for one in judged(tmp_path, log.vkey, rewritten(bundle, cut)).problems)


def test_any_two_swapped_entries_are_found(log: StoredLog, bundle: bytes, tmp_path: Path) -> None:
    for one in range(11):
        for other in range(one):

            def swap(lines: list[dict[str, Any]], one: int = one, other: int = other) -> None:
                at, to = entries(lines)[one], entries(lines)[other]
                lines[at], lines[to] = lines[to], lines[at]

            problems = judged(tmp_path, log.vkey, rewritten(bundle, swap)).problems
            assert any(f"entry {other} says that it is entry {one}" in problem for problem in problems)
            assert any("root that was signed" in problem for problem in problems)


def test_any_dropped_or_doubled_entry_is_found(log: StoredLog, bundle: bytes, tmp_path: Path) -> None:
    for number in range(11):

        def drop(lines: list[dict[str, Any]], number: int = number) -> None:
            del lines[entries(lines)[number]]
            lines[-1]["entries"] -= 1

        def double(lines: list[dict[str, Any]], number: int = number) -> None:
            lines.insert(entries(lines)[number], lines[entries(lines)[number]])
            lines[-1]["entries"] += 1

        assert not judged(tmp_path, log.vkey, rewritten(bundle, drop)).verified
        assert not judged(tmp_path, log.vkey, rewritten(bundle, double)).verified


def test_a_line_of_keys_moved_doubled_or_added_is_found(log: StoredLog, bundle: bytes, tmp_path: Path) -> None:
    def move(lines: list[dict[str, Any]]) -> None:
        lines.insert(3, lines.pop(1))

    def double(lines: list[dict[str, Any]]) -> None:
        lines.insert(1, lines[1])
        lines[-1]["keys"] += 1

    def add(lines: list[dict[str, Any]]) -> None:
        lines.insert(-1, {"key": base64.b64encode(b"x").decode()})
        lines[-1]["keys"] += 1

    def open_again(lines: list[dict[str, Any]]) -> None:
        lines.insert(2, lines[0])

    for change, says in (
        (move, "comes after"),
        (double, "no entry after it"),
        (add, "counts"),
        (open_again, "second beginning"),
    ):
        problems = judged(tmp_path, log.vkey, rewritten(bundle, change)).problems
        assert any(says in one for one in problems), (change, problems)


def test_a_dropped_key_counts_as_erased_but_not_without_being_counted(
    log: StoredLog, bundle: bytes, tmp_path: Path
) -> None:
    def drop(lines: list[dict[str, Any]]) -> None:
        del lines[1]

    def drop_and_count(lines: list[dict[str, Any]]) -> None:
        del lines[1]
        lines[-1]["keys"] -= 1

    assert not judged(tmp_path, log.vkey, rewritten(bundle, drop)).verified
    report = judged(tmp_path, log.vkey, rewritten(bundle, drop_and_count))
    assert (report.verified, report.erased) == (True, 1)


def test_every_problem_is_listed(log: StoredLog, bundle: bytes, tmp_path: Path) -> None:
    def spoil(lines: list[dict[str, Any]]) -> None:
        for at in entries(lines)[:3]:
            lines[at]["ct"] = "AAAA"

    problems = judged(tmp_path, log.vkey, rewritten(bundle, spoil)).problems
    assert [one for one in problems if "sealed body" in one] == [
        f"the sealed body of entry {n} is not the one that was logged" for n in range(3)
    ]


def test_the_wrong_key_verifies_nothing(log: StoredLog, bundle: bytes, tmp_path: Path) -> None:
    stranger = Signer.generate(log.signer.verifier.name).verifier.vkey
    assert "not signed with the log's key" in judged(tmp_path, stranger, bundle).problems[0]
    other = Signer.generate("border.example/gate-0002").verifier.vkey
    assert any("is of border.example/gate-0001/demo" in one for one in judged(tmp_path, other, bundle).problems)


def test_a_bundle_says_where_it_begins_and_cannot_lie_about_it(log: StoredLog, tmp_path: Path) -> None:
    part = log.bundle(since=6)
    assert judged(tmp_path, log.vkey, part).entries == 5
    for field, value in (("since", 5), ("size", 12), ("frontier", ""), ("since", -1), ("since", True), ("size", 2**63)):

        def lie(lines: list[dict[str, Any]], field: str = field, value: Any = value) -> None:
            lines[0][field] = value

        assert not judged(tmp_path, log.vkey, rewritten(part, lie)).verified


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\n",
        b'{"entries":0,"keys":0}\n',
        b'{"bundle":"other/1"}\n',
        b"x" * 300_000,
        b"[" * 100_000 + b"\n",
    ],
)
def test_what_is_no_bundle_is_not_verified(log: StoredLog, tmp_path: Path, content: bytes) -> None:
    report = judged(tmp_path, log.vkey, content)
    assert not report.verified
    assert report.entries == 0


@settings(max_examples=60)
@given(content=st.binary(max_size=400))
def test_noise_is_never_verified_and_never_a_crash(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        vkey = Signer("border.example/g", bytes(32)).verifier.vkey
        assert not judged(Path(folder), vkey, content).verified


def test_a_path_that_is_not_there_cannot_be_judged(log: StoredLog, tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(UnreadableError):
            verify(path, log.vkey)


# ── spool folders ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def spool(tmp_path: Path) -> StoredLog:
    small = StoredLog(tmp_path)
    small.write([wanted("incident") for _ in range(256)], publish=False)
    small.write(crossing("c1"), crossing("c2"))
    return small


def plain_files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.is_file())


def test_a_changed_byte_in_any_file_of_the_spool_is_found(spool: StoredLog) -> None:
    assert verify(spool.spool, spool.vkey).verified
    for path in plain_files(spool.spool):
        good = path.read_bytes()
        for at in {0, len(good) - 1, *(RANDOM.randrange(len(good)) for _ in range(4))}:
            changed = bytearray(good)
            changed[at] ^= RANDOM.randrange(1, 256)
            path.write_bytes(changed)
            assert not _is_verified(spool), (path, at)
        path.write_bytes(good)
    assert verify(spool.spool, spool.vkey).verified


def test_any_byte_more_or_less_in_a_file_of_the_spool_is_found(spool: StoredLog) -> None:
    for path in plain_files(spool.spool):
        good = path.read_bytes()
        for content in (good[:-1], good + b"\0", good + good[-34:], b""):
            path.write_bytes(content)
            assert not _is_verified(spool), path
        path.write_bytes(good)


def test_any_missing_file_of_the_spool_is_found_unless_it_is_an_erased_key(spool: StoredLog) -> None:
    earlier_partials = {"5", "1"}  # of the checkpoint before: kept for slow readers, needed by nobody else
    for path in plain_files(spool.spool):
        if path.name in earlier_partials and path.parent.name == "001.p":
            continue
        good = path.read_bytes()
        path.unlink()
        assert _is_verified(spool) == (path.suffix == ".age"), path
        path.write_bytes(good)


def _is_verified(log: StoredLog) -> bool:
    try:
        return verify(log.spool, log.vkey).verified
    except UnreadableError:
        return False


@pytest.mark.parametrize("name", ["expired", f"erasures/{'0' * 64}.note"])
def test_what_waits_for_the_central_server_beside_a_log_is_nothing_against_it(spool: StoredLog, name: str) -> None:
    (spool.spool / name).parent.mkdir(exist_ok=True)
    (spool.spool / name).write_bytes(b"a note")
    assert not verify(spool.spool, spool.vkey).problems


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("extra", "no file of the log"),
        ("tile/0/x000/000", "no file of the log"),
        ("tile/0/000.p/0", "no file of the log"),
        ("tile/0/000.p/256", "no file of the log"),
        ("tile/00/000", "no file of the log"),
        ("tile/entries/x001/000", "beyond the checkpoint"),
        ("tile/0/001.p/200", "beyond the checkpoint"),
        ("tile/5/000.p/1", "a level that the tree does not have"),
        ("sealed/001.p/3", "not what the log had"),
        ("tile/entries/001.p/3", "not what the log had"),
        ("keys/00/" + "0" * 64 + ".age", "not the key that its name says"),
        ("keys/e3/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.age", "used by no entry"),
        ("keys/key", "no age file"),
    ],
)
def test_a_file_that_does_not_belong_is_named(spool: StoredLog, name: str, says: str) -> None:
    path = spool.spool / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"" if "e3b0" in name else b"\0")
    problems = verify(spool.spool, spool.vkey).problems
    assert any(says in one and name.partition("/")[0] in one for one in problems), problems


def test_links_are_no_files_of_the_log(spool: StoredLog, tmp_path: Path) -> None:
    (spool.spool / "more").symlink_to(tmp_path)
    target = spool.spool / "tile/0/000"
    target.rename(tmp_path / "aside")
    target.symlink_to(tmp_path / "aside")
    problems = verify(spool.spool, spool.vkey).problems
    assert any("more is no file" in one for one in problems)
    assert any("tile 0 of level 0 is missing" in one for one in problems)


def test_files_of_a_newer_checkpoint_are_left_alone(spool: StoredLog, monkeypatch: pytest.MonkeyPatch) -> None:
    import gate_verify.folder as reading

    checkpoint = (spool.spool / "checkpoint").read_bytes()
    spool.write(crossing("c3"))
    newer = (spool.spool / "checkpoint").read_bytes()
    (spool.spool / "checkpoint").write_bytes(checkpoint)
    assert not verify(spool.spool, spool.vkey).verified
    reads: list[bytes] = []

    def publish_meanwhile(note: bytes) -> Any:
        if not reads:
            reads.append(note)
            (spool.spool / "checkpoint").write_bytes(newer)
        return read_head(note)

    monkeypatch.setattr(reading, "read_head", publish_meanwhile)
    report = verify(spool.spool, spool.vkey)
    assert (report.problems, report.entries) == ((), 266)


def test_a_folder_of_tiles_alone_is_judged_without_bodies(spool: StoredLog) -> None:
    import shutil

    shutil.rmtree(spool.spool / "keys")
    shutil.rmtree(spool.spool / "sealed")
    report = verify(spool.spool, spool.vkey)
    assert (report.verified, report.entries, report.bodies) == (True, 266, 0)


def test_a_spool_with_a_nonsense_checkpoint_is_not_verified(spool: StoredLog) -> None:
    (spool.spool / "checkpoint").write_bytes(b"nonsense")
    assert not verify(spool.spool, spool.vkey).verified


@pytest.mark.parametrize(
    "raw", [b"{}\n", b'{"ct":"AA==","i":1}\n', b'{"ct":"AA==","i":0}', b'{"ct":1,"i":0}\n', b'{"ct":"A","i":0}\n']
)
def test_what_are_no_sealed_bodies_are_refused(raw: bytes) -> None:
    with pytest.raises(StructureError):
        split_sealed(raw, 0)


@given(raw=st.binary(max_size=200))
def test_noise_is_cut_into_entries_or_refused(raw: bytes) -> None:
    try:
        found = split_entries(raw)
    except StructureError:
        return
    assert b"".join(len(one).to_bytes(2) + one for one in found) == raw


# ── databases ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM entries WHERE i = 3", "row 4 stands where entry 3 belongs"),
        (
            "UPDATE entries SET leaf = CAST(replace(leaf, 'T10:', 'T11:') AS BLOB) WHERE i = 256",
            "root that was signed",
        ),
        ("UPDATE entries SET sealed = x'00' WHERE i = 3", "sealed body of entry 3"),
        ("DELETE FROM entries WHERE i > 256", "257 are here"),
        ("UPDATE keys SET wrapped = x'00' WHERE first = 256", "is not the one that its id says"),
        ("UPDATE keys SET first = 9 WHERE first = 256", "not first used by entry 9"),
        ("UPDATE head SET frontier = x'00'", "frontier"),
        ("UPDATE head SET checkpoint = x'00'", "not a signed note"),
        ("DELETE FROM head", "0 heads"),
        ("DELETE FROM nodes", "full tiles"),
        ("INSERT INTO open_crossings VALUES ('c9', 999)", "open crossing c9 begins with no entry"),
        ("INSERT INTO referred VALUES ('c9', 999)", "crossing c9 waits for an officer since no entry"),
        ("CREATE TABLE more (a)", "does not belong"),
        ("CREATE VIEW more AS SELECT 1", "does not belong"),
        ("DROP TABLE nodes", "table nodes is missing"),
    ],
)
def test_whatever_is_changed_in_a_database_is_named(spool: StoredLog, sql: str, says: str) -> None:
    assert verify(spool.database, spool.vkey).verified
    with contextlib.closing(sqlite3.connect(spool.database)) as connection, connection:
        connection.execute(sql)
    connection.close()
    problems = verify(spool.database, spool.vkey).problems
    assert any(says in one for one in problems), problems


def test_a_database_without_entries_has_nothing_that_was_signed_and_is_not_verified(tmp_path: Path) -> None:
    log = StoredLog(tmp_path)
    log.write()
    report = verify(log.database, log.vkey)
    assert (report.verified, report.entries, report.checkpoints) == (False, 0, 0)
    assert report.problems == ("no checkpoint is here: nothing is signed",)
    assert report.unknown[0] == "no entry is here"


def test_a_damaged_database_is_a_problem_and_no_crash(spool: StoredLog) -> None:
    raw = bytearray(spool.database.read_bytes())
    for at in range(4096, len(raw), 997):
        raw[at] ^= 0xFF
    spool.database.write_bytes(raw)
    assert not verify(spool.database, spool.vkey).verified


def test_whatever_bytes_are_flipped_in_a_database_the_end_is_a_report(tmp_path: Path) -> None:
    log = StoredLog(tmp_path)
    log.write(crossing("c1"), crossing("c2"))
    good, chance, wrong = log.database.read_bytes(), random.Random(16), 0
    for _ in range(300):
        raw = bytearray(good)
        for at in (chance.randrange(100, len(raw)) for _ in range(chance.choice((1, 2, 8)))):
            raw[at] ^= chance.randrange(1, 256)
        log.database.write_bytes(raw)
        report = verify(log.database, log.vkey)
        assert all(one.isprintable() for one in report.problems), report.problems
        wrong += not report.verified
    assert wrong > 60, "most of a page is free space, the rest must be noticed"


@pytest.mark.parametrize(
    ("table", "column"),
    [("entries", "leaf"), ("entries", "sealed"), ("keys", "wrapped"), ("head", "frontier"), ("head", "checkpoint")],
)
@pytest.mark.parametrize("value", ["NULL", "7", "'text'", "1.5"])
def test_a_cell_of_another_kind_is_a_problem_and_no_crash(
    spool: StoredLog, table: str, column: str, value: str
) -> None:
    with contextlib.closing(sqlite3.connect(spool.database)) as connection, connection:
        connection.execute("PRAGMA writable_schema=ON")
        (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        loose = sql.replace(" STRICT", "").replace("NOT NULL", "")
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (loose, table))
    with contextlib.closing(sqlite3.connect(spool.database)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = {value}")
    report = verify(spool.database, spool.vkey)
    assert not report.verified


# ── what an input cannot show ────────────────────────────────────────────────────────────────────────────────────────

TAIL = "whether the log went on after this checkpoint: --at-least N says how many entries it is known to have had"


def test_a_whole_log_leaves_only_its_tail_unknown_and_that_too_is_known_with_a_number(log: StoredLog) -> None:
    report = verify(log.spool, log.vkey)
    assert (report.verified, report.unknown, report.is_partial) == (True, (TAIL,), False)
    assert verify(log.spool, log.vkey, known=Known(at_least=11)).unknown == ()
    assert verify(log.spool, log.vkey, known=Known(at_least=9)).unknown == (
        "whether the log went on after this checkpoint; the 9 entries known to have been are here",
    )
    shorter = verify(log.spool, log.vkey, known=Known(at_least=12))
    assert shorter.problems == ("the log had 12 entries at least, and ends after 11",)


def test_keys_that_are_missing_are_said(log: StoredLog, bundle: bytes, tmp_path: Path) -> None:
    def drop(lines: list[dict[str, Any]]) -> None:
        lines[:] = [line for line in lines if "key" not in line]
        lines[-1] |= {"keys": 0}

    bare = [json.loads(line) for line in bundle.splitlines()]
    assert sum("key" in line for line in bare) == 3
    report = judged(tmp_path, log.vkey, rewritten(bundle, drop))
    assert (report.verified, report.keys, report.erased, report.is_partial) == (True, 0, 3, True)
    assert (
        report.unknown[0]
        == "3 keys of 11 entries are not here, and no record that was read says that they were to go: erased, or taken away"
    )


def test_bodies_that_are_missing_are_said(log: StoredLog, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(log.spool / "tile", tmp_path / "tiles" / "tile")
    shutil.copy(log.spool / "checkpoint", tmp_path / "tiles")
    report = verify(tmp_path / "tiles", log.vkey)
    assert (report.verified, report.is_partial) == (True, True)
    assert report.unknown[0] == "the sealed bodies of 11 entries are not here, only their hashes"


def test_a_range_that_begins_late_or_holds_nothing_is_said(log: StoredLog, tmp_path: Path) -> None:
    late = judged(tmp_path, log.vkey, log.bundle(since=6))
    assert late.unknown[0] == "entries 0 to 5 are not here, only the hashes over them"
    empty = judged(tmp_path, log.vkey, log.bundle(since=11))
    assert (empty.verified, empty.entries, empty.is_partial) == (True, 0, True)
    assert empty.unknown[:2] == ("entries 0 to 10 are not here, only the hashes over them", "no entry is here")


def test_names_that_steer_a_terminal_or_are_no_text_are_shown_harmless(spool: StoredLog) -> None:
    for name in (b"\x1b[2J\x1b[HVERIFIED", b"line\nbreak", b"\xff\xfe", "\u202egnp.exe".encode(), b"\x9b31m"):
        (spool.spool / os.fsdecode(name)).touch()
    problems = verify(spool.spool, spool.vkey).problems
    assert len(problems) == 5
    assert all(one.isprintable() for one in problems), problems
    assert r"\x1b[2J\x1b[HVERIFIED is no file of the log" in problems


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_problems_beyond_the_limit_are_counted() -> None:
    findings = Findings()
    for n in range(PROBLEMS_MAX + 5):
        findings.add(str(n))
    assert findings.all()[-1] == "and 5 more problems"
    assert len(findings.all()) == PROBLEMS_MAX + 1


def test_a_frontier_of_another_length_is_refused() -> None:
    with pytest.raises(StructureError):
        Tree(3, bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "AB==",
        "AAB=",
        "AA",
        "AA=",
        "A===",
        "=AAA",
        "AAAA====",
        "AA==AA==",
        "AA==\n",
        " AAA",
        "AA=A",
        "AAA\u00c4",
        "-_AA",
    ],
)
def test_base64_in_any_other_spelling_is_refused(text: str) -> None:
    for spelt in (text, text.encode(), memoryview(text.encode())):
        with pytest.raises(StructureError):
            exact_base64(spelt)


@given(raw=st.binary(max_size=50))
def test_base64_in_its_one_spelling_is_taken(raw: bytes) -> None:
    spelt = base64.b64encode(raw)
    assert exact_base64(spelt) == exact_base64(spelt.decode()) == exact_base64(memoryview(spelt)) == raw


def test_a_header_of_any_other_kind_is_refused() -> None:
    fields = {
        "class": "device", "hour": "2026-11-25T10:00:00Z", "index": 0, "key": "0" * 64, "origin": "a/b",
        "sealed": "0" * 64, "v": 2,
    }  # fmt: skip

    def leaf(**changes: Any) -> bytes:
        return json.dumps({**fields, **changes}, sort_keys=True, separators=(",", ":")).encode()

    assert read_header(leaf()) == Header("2026-11-25T10:00:00Z", 0, "0" * 64, "a/b", "0" * 64)
    named = {"recipients": "1" * 64, "v": 3}
    assert read_header(leaf(**named)) == Header("2026-11-25T10:00:00Z", 0, "0" * 64, "a/b", "0" * 64, "1" * 64)
    wrong: list[dict[str, Any]] = [
        {"v": 1}, {"v": True}, {"index": -1}, {"index": 1.0}, {"class": "opened"}, {"class": None}, {"hour": "now"},
        {"hour": "2026-11-25T10:05:00Z"}, {"origin": "a b"}, {"origin": ""}, {"origin": "a" * 513}, {"key": "0"},
        {"sealed": "G" * 64}, {"more": 1}, {"kind": "opened"}, {"origin": "a" * 2000},
        {"v": 3}, {"recipients": "1" * 64}, {**named, "v": 4}, {**named, "recipients": ""}, {**named, "recipients": "G" * 64},
    ]  # fmt: skip
    for changes in wrong:
        with pytest.raises(StructureError):
            read_header(leaf(**changes))
