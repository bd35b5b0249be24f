"""The operator's repository: two persons for a configuration, versions that only rise, and nothing that no gate would take."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lab_fakes.updates import HERE, Believer, Operator
from securesystemslib.signer import CryptoSigner

from gate.updates.layout import Kind
from gate_lab.update_publisher import Repository, RepositoryError, make_key, pack, read_keys, read_public


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path / "operator")


def add(operator: Operator, kind: Kind, keys: Path, content: bytes = b"zip") -> Any:
    archive = operator.folder / "some.zip"
    archive.write_bytes(content)
    return operator.repository.add(
        kind, archive, read_keys(keys), name="x", machine="x86_64", python="3.13", gate="north-7"
    )


def test_private_keys_are_for_their_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    keyid = make_key(tmp_path / "own.pem")
    assert stat.S_IMODE((tmp_path / "own.pem").stat().st_mode) == 0o600
    assert read_public(tmp_path / "own.pub").keyid == keyid
    assert "PRIVATE" not in (tmp_path / "own.pub").read_text()
    with pytest.raises(RepositoryError, match="File exists"):
        make_key(tmp_path / "own.pem")


def test_a_repository_is_made_once_and_for_two_persons_at_least(tmp_path: Path, operator: Operator) -> None:
    approvers = [read_public(one / "own.pub") for one in operator.approvers]
    with pytest.raises(RepositoryError, match="already"):
        operator.repository.init(tmp_path / "others", approvers)
    fresh = Repository(tmp_path / "fresh", datetime.now(UTC))
    with pytest.raises(RepositoryError, match="two persons"):
        fresh.init(tmp_path / "keys", [approvers[0], approvers[0]])


def test_a_configuration_waits_for_the_second_person(tmp_path: Path, operator: Operator) -> None:
    anna, bert = operator.approvers
    assert add(operator, Kind.CONFIGURATION, anna).missing == 1
    assert not list((operator.repo / "metadata").glob("*.configuration.json"))
    assert operator.repository.waiting("configuration")["version"] == 1
    with pytest.raises(RepositoryError, match="waits for signatures"):
        add(operator, Kind.CONFIGURATION, bert)
    assert operator.repository.sign("configuration", read_keys(anna)).missing == 1  # one person twice is one person
    assert operator.repository.sign("configuration", read_keys(bert)).missing == 0
    operator.renew()
    assert Kind.CONFIGURATION in Believer(tmp_path / "memory", operator.first_root).believe(operator.repo).offers


def test_versions_and_numbers_rise_with_each_publication(tmp_path: Path, operator: Operator) -> None:
    believer = Believer(tmp_path / "memory", operator.first_root)
    for number in (1, 2, 3):
        operator.publish(Kind.LISTS, {"a.crl": b"%d" % number})
        verified = believer.believe(operator.repo)
        assert verified.offers[Kind.LISTS].number == number
        assert verified.versions["timestamp"] == verified.versions["snapshot"] == number + 1


def test_who_holds_none_of_a_roles_keys_publishes_nothing(operator: Operator) -> None:
    before = sorted((operator.repo / "metadata").iterdir())
    with pytest.raises(RepositoryError, match="none of these keys"):
        add(operator, Kind.SOFTWARE, operator.approvers[0])
    assert sorted((operator.repo / "metadata").iterdir()) == before


def test_the_root_and_the_targets_are_renewed_with_keys_that_are_brought_for_it(
    tmp_path: Path, operator: Operator
) -> None:
    believer = Believer(tmp_path / "memory", operator.first_root)
    safe = tmp_path / "safe"
    safe.mkdir()
    for name in ("root-1", "root-2", "root-3", "targets"):
        (operator.keys / f"{name}.pem").rename(safe / f"{name}.pem")
    operator.renew()  # online keys are enough for every day
    with pytest.raises(RepositoryError, match="none of these keys"):
        operator.repository.renew(["root"], read_keys(operator.keys))
    (safe / "root-3.pem").unlink()  # a lost key is survived
    made = operator.repository.renew(["root", "targets"], read_keys(safe))
    assert [(one.role, one.version, one.missing) for one in made] == [("root", 2, 0), ("targets", 2, 0)]
    operator.renew()
    assert believer.believe(operator.repo).versions["root"] == 2


def test_an_archive_is_the_same_for_the_same_files_and_holds_no_link(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "b").write_text("b")
    (tmp_path / "in" / "a").write_text("a")
    pack(tmp_path / "in", tmp_path / "1.zip", Kind.LISTS)
    (tmp_path / "in" / "a").touch()
    pack(tmp_path / "in", tmp_path / "2.zip", Kind.LISTS)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    (tmp_path / "in" / "c").symlink_to("/etc/passwd")
    with pytest.raises(RepositoryError, match="no ordinary file"):
        pack(tmp_path / "in", tmp_path / "3.zip", Kind.LISTS)
    assert not (tmp_path / "3.zip").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keyid": 1}', "\x00", '{"keyid":"a","keytype":"rsa"}'])
def test_what_is_no_public_key_is_one_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "own.pub").write_text(content)
    with pytest.raises(RepositoryError):
        read_public(tmp_path / "own.pub")


def test_what_no_gate_would_take_is_not_published(operator: Operator) -> None:
    with pytest.raises(RepositoryError, match="no gate would take it"):
        add(operator, Kind.LISTS, operator.keys, b"")
    document = json.loads(operator.newest("lists").read_bytes())
    assert document["signed"]["targets"] == {}
    assert HERE.path_of(Kind.LISTS) == "lists/lists.zip"


def emptied(operator: Operator, role: str) -> None:
    for path in (operator.repo / "metadata").glob(f"*.{role}.json"):
        path.unlink()


def drafted(operator: Operator) -> Path:
    add(operator, Kind.CONFIGURATION, operator.approvers[0])
    (draft,) = operator.repo.rglob("configuration.json")
    return draft


@pytest.mark.parametrize(
    ("damage", "role", "words"),
    [
        (lambda one: emptied(one, "snapshot"), "timestamp", "no snapshot yet: renew it first"),
        (lambda one: one.newest("timestamp").write_bytes(b"{}"), "timestamp", "timestamp.json is no metadata"),
        (lambda one: one.newest("targets").write_bytes(b"{}"), "targets", "1.targets.json is no metadata"),
        (lambda one: one.newest("targets").write_bytes(one.first_root), "targets", "1.targets.json is no targets"),
        (lambda one: emptied(one, "targets"), "lists", "holds no targets: run gate update publish init"),
        (lambda one: shutil.rmtree(one.repo / "metadata"), "root", "holds no root"),
        (lambda one: (one.repo / "metadata").rename(one.repo / "away") and (one.repo / "metadata").touch(), "root", "cannot be read"),
        (lambda _: None, "emperor", "no role emperor"),
    ],
)  # fmt: skip
def test_a_damaged_repository_is_one_error_that_says_what_is_wrong(
    damage: Callable[[Operator], object], role: str, words: str, operator: Operator
) -> None:
    damage(operator)
    with pytest.raises(RepositoryError, match=words):
        operator.repository.renew([role], operator.signers())


def test_what_waits_is_signed_only_where_it_is_whole(operator: Operator) -> None:
    with pytest.raises(RepositoryError, match="no role emperor"):
        operator.repository.sign("emperor", operator.signers())
    for act in (operator.repository.waiting, lambda role: operator.repository.sign(role, operator.signers())):
        with pytest.raises(RepositoryError, match="nothing of configuration waits"):
            act("configuration")
    drafted(operator).write_text("{}")
    with pytest.raises(RepositoryError, match="is no metadata"):
        operator.repository.sign("configuration", operator.signers())
    with pytest.raises(RepositoryError, match="nothing of configuration waits"):
        operator.repository.waiting("configuration")


def test_a_folder_of_keys_holds_ed25519_keys_alone(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("no key")
    with pytest.raises(RepositoryError, match="no key in the clear"):
        read_keys(tmp_path)
    other = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "own.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(RepositoryError, match="another kind of key than Ed25519"):
        read_keys(tmp_path)
    public = CryptoSigner(other).public_key
    (tmp_path / "own.pub").write_text(json.dumps({"keyid": public.keyid, **public.to_dict()}))
    with pytest.raises(RepositoryError, match="no Ed25519 key"):
        read_public(tmp_path / "own.pub")
