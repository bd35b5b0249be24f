"""Whatever is changed in what was published, the gate believes the operator or says no in one way; no byte of another's is installed."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_fakes.updates import HERE, Operator

from gate.programs.update.places import unpack
from gate.updates.errors import RefusedError, UpdateError
from gate.updates.layout import Kind
from gate.updates.sources import FolderSource
from gate.updates.trust import Seen, verify

pytestmark = pytest.mark.long

EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "double"]),
        st.integers(0, 1 << 20),
        st.binary(min_size=1, max_size=40),
    ),
    min_size=1,
    max_size=3,
)


def edited(content: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for how, where, what in edits:
        at = where % max(1, len(content))
        match how:
            case "flip":
                content = content[:at] + bytes([content[at] ^ (what[0] or 1)]) + content[at + 1 :] if content else what
            case "cut":
                content = content[:at] + content[at + len(what) :]
            case "insert":
                content = content[:at] + what + content[at:]
            case _:
                content = content[:at] + content[at:] * 2
    return content


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    made = Operator(tmp_path_factory.mktemp("operator"))
    for kind in Kind:
        made.publish(kind, {"gate.toml": b"one"})
    made.repository.renew(["root"], made.signers())
    made.renew()
    return made


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["timestamp", "2.root", "snapshot", "targets", "software", "configuration"]), edits=EDITS)
def test_mutated_metadata_offer_what_was_published_or_nothing(
    operator: Operator, name: str, edits: list[tuple[str, int, bytes]]
) -> None:
    with tempfile.TemporaryDirectory() as made:
        repo, memory = Path(made) / "repo", Path(made) / "memory"
        shutil.copytree(operator.repo, repo)
        memory.mkdir()
        file = operator.newest("root" if "root" in name else name)
        place = repo / "metadata" / file.name
        place.write_bytes(edited(place.read_bytes(), edits))
        honest = {kind: HERE.path_of(kind) for kind in Kind}
        try:
            found = verify(FolderSource(repo), first_root=operator.first_root, memory=memory, here=HERE, seen=Seen())
        except UpdateError:
            return
        assert {kind: offer.path for kind, offer in found.offers.items()} == honest
        assert all((operator.repo / offer.file).exists() for offer in found.offers.values())


@settings(deadline=None, max_examples=600)
@given(edits=EDITS, size=st.integers(0, 3000))
def test_mutated_archives_unpack_inside_or_not_at_all(edits: list[tuple[str, int, bytes]], size: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        archive, folder = Path(made) / "a.zip", Path(made) / "in" / "folder"
        folder.parent.mkdir()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as into:
            into.writestr(zipfile.ZipInfo("a.crl"), b"a" * size)
            into.writestr(zipfile.ZipInfo("deep/b.crl"), bytes(range(256)))
        archive.write_bytes(edited(archive.read_bytes(), edits))
        try:
            unpack(archive, folder, Kind.LISTS, may_hold=lambda _: True)
        except RefusedError:
            assert not folder.exists()
        assert {path.name for path in folder.parent.iterdir()} <= {"folder"}
        assert not [path for path in folder.rglob("*") if path.is_symlink()]
