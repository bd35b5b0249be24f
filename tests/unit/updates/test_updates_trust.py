"""What a gate believes of a repository: a hacked server, a stolen key, a clever operator, a stick with anything on it."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lab_fakes.updates import HERE, Believer, Operator
from tuf.api.metadata import DelegatedRole

from gate.updates.errors import OldError, RefusedError, SourceAwayError, UpdateError
from gate.updates.layout import Here, Kind
from gate.updates.trust import LENGTHS
from gate_lab.update_publisher import ONLINE, read_keys

ROLES = ("root", "timestamp", "snapshot", "targets", "software", "models", "lists", "configuration")
PAST = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path / "operator")
    made.publish(Kind.SOFTWARE, {"a": b"one"})
    made.publish(Kind.MODELS, {"a": b"one"})
    made.publish(Kind.LISTS, {"a": b"one"})
    made.publish(Kind.CONFIGURATION, {"gate.toml": b"one"})
    return made


@pytest.fixture
def believer(tmp_path: Path, operator: Operator) -> Believer:
    made = Believer(tmp_path / "memory", operator.first_root)
    made.believe(operator.repo)
    return made


def nothing(_: dict[str, Any]) -> None:
    pass


def rolled_back(operator: Operator, role: str, former: bytes, version: int) -> None:
    """What was published before in the place of what is newer, by whoever holds the online keys."""
    (operator.repo / "metadata" / f"{version}.{role}.json").write_bytes(former)
    for path in (operator.repo / "metadata").glob(f"*.{role}.json"):
        if int(path.name.split(".")[0]) > version:
            path.unlink()
    operator.renew()


def test_what_the_operator_published_is_believed(believer: Believer, operator: Operator) -> None:
    verified = believer.believe(operator.repo)
    assert set(verified.offers) == set(Kind)
    assert {one.number for one in verified.offers.values()} == {1}
    assert verified.expires < datetime.now(UTC) + timedelta(days=15)


@pytest.mark.parametrize("forgetful", [False, True], ids=["with python-tuf's memory", "with our own memory alone"])
@pytest.mark.parametrize("role", ["targets", "software", "models", "lists", "configuration"])
def test_no_role_that_is_signed_offline_goes_back(
    believer: Believer, operator: Operator, role: str, *, forgetful: bool
) -> None:
    former, version = operator.newest(role).read_bytes(), int(operator.newest(role).name.split(".")[0])
    operator.twist(role, nothing)
    believer.believe(operator.repo)
    rolled_back(operator, role, former, version)
    if forgetful:
        shutil.rmtree(believer.memory)
    with pytest.raises(OldError):
        believer.believe(operator.repo)


def test_the_root_does_not_go_back_whatever_became_of_the_memory(believer: Believer, operator: Operator) -> None:
    operator.repository.renew(["root"], read_keys(operator.keys))
    operator.renew()
    assert believer.believe(operator.repo).versions["root"] == 2
    (operator.repo / "metadata" / "2.root.json").unlink()
    assert believer.believe(operator.repo).versions["root"] == 2  # it is remembered
    shutil.rmtree(believer.memory)
    with pytest.raises(OldError, match="root is version 1"):
        believer.believe(operator.repo)


@pytest.mark.parametrize("role", ONLINE)
def test_snapshot_and_timestamp_do_not_go_back(
    believer: Believer, operator: Operator, role: str, tmp_path: Path
) -> None:
    shutil.copytree(operator.repo, tmp_path / "former")
    operator.renew()
    believer.believe(operator.repo)
    if role == "timestamp":
        (operator.repo / "metadata" / "timestamp.json").write_bytes(
            (tmp_path / "former/metadata/timestamp.json").read_bytes()
        )
        # python-tuf keeps the one it has: nothing is older, and nothing new
        for path in operator.repo.glob("metadata/*.snapshot.json"):
            path.unlink()
    shutil.rmtree(believer.memory)
    with pytest.raises((OldError, SourceAwayError)):
        believer.believe(tmp_path / "former" if role == "snapshot" else operator.repo)


def test_stolen_online_keys_that_ran_ahead_are_overcome_by_a_newer_root(
    tmp_path: Path, believer: Believer, operator: Operator
) -> None:
    def ahead(signed: dict[str, Any]) -> None:
        signed["version"] = 1_000_000

    shutil.copytree(operator.repo / "metadata", tmp_path / "honest")
    operator.twist("snapshot", ahead, renew=False)
    operator.repository.renew(["timestamp"], read_keys(operator.keys))
    believer.believe(operator.repo)
    shutil.rmtree(operator.repo / "metadata")
    shutil.copytree(tmp_path / "honest", operator.repo / "metadata")
    operator.renew()
    operator.renew()
    with pytest.raises(OldError):
        believer.believe(operator.repo)
    for name in ONLINE:  # the operator makes new online keys, and a root that names them
        for suffix in ("pem", "pub"):
            (operator.keys / f"{name}.{suffix}").unlink()
        from gate_lab.update_publisher import make_key, read_public

        make_key(operator.keys / f"{name}.pem")
        public = read_public(operator.keys / f"{name}.pub")

        def renamed(signed: dict[str, Any], name: str = name, public: Any = public) -> None:
            signed["keys"][public.keyid] = public.to_dict()
            signed["roles"][name]["keyids"] = [public.keyid]

        operator.twist("root", renamed, renew=False)
    operator.renew()
    assert believer.believe(operator.repo).versions["root"] == 3


@pytest.mark.parametrize("role", ROLES)
def test_what_has_expired_is_not_believed(believer: Believer, operator: Operator, role: str) -> None:
    operator.twist(role, lambda signed: signed.update(expires=PAST))
    with pytest.raises(OldError, match="expired"):
        believer.believe(operator.repo)


@pytest.mark.parametrize("role", ROLES)
def test_strangers_sign_nothing(believer: Believer, operator: Operator, tmp_path: Path, role: str) -> None:
    stranger = Operator(tmp_path / "stranger")
    operator.twist(role, nothing, signers=stranger.signers())
    if role == "root":
        operator.repo.joinpath("metadata/2.root.json").exists()
    with pytest.raises(RefusedError):
        believer.believe(operator.repo)


def test_one_person_alone_changes_no_configuration(believer: Believer, operator: Operator) -> None:
    operator.twist("configuration", nothing, signers=read_keys(operator.approvers[0]))
    with pytest.raises(RefusedError, match="1/2"):
        believer.believe(operator.repo)


def delegations(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda signed: change(signed["delegations"])


def by_name(whole: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in whole["roles"] if one["name"] == name)
    return found


def named_twice(whole: dict[str, Any]) -> None:
    role = by_name(whole, "configuration")
    (first, _) = role["keyids"]
    whole["keys"]["0" * 64] = copy.deepcopy(whole["keys"][first])
    role["keyids"] = [first, "0" * 64]


def another_role(whole: dict[str, Any]) -> None:
    keyid = by_name(whole, "software")["keyids"][0]
    whole["roles"].insert(0, DelegatedRole("evil", [keyid], 1, terminating=True, paths=["software/*"]).to_dict())


@pytest.mark.parametrize(
    "change",
    [
        delegations(lambda whole: by_name(whole, "configuration").update(threshold=1)),
        delegations(named_twice),
        delegations(another_role),
        delegations(lambda whole: by_name(whole, "lists").update(paths=["lists/*", "software/*"])),
        delegations(lambda whole: whole["roles"].remove(by_name(whole, "models"))),
        lambda signed: signed.pop("delegations"),
        lambda signed: signed.update(targets={"software/x": {"length": 1, "hashes": {"sha256": "0" * 64}}}),
    ],
    ids=[
        "threshold 1",
        "one key twice",
        "another role",
        "two roles' paths",
        "a role gone",
        "no roles",
        "targets of its own",
    ],
)
def test_the_roles_are_ours_whoever_signed_others(
    believer: Believer, operator: Operator, change: Callable[[dict[str, Any]], object]
) -> None:
    operator.twist("targets", change)
    with pytest.raises(UpdateError):
        believer.believe(operator.repo)


def test_a_role_delegates_to_nobody(believer: Believer, operator: Operator) -> None:
    whole = json.loads(operator.newest("targets").read_bytes())["signed"]["delegations"]
    operator.twist(
        "software", lambda signed: signed.update(delegations={"keys": whole["keys"], "roles": whole["roles"][:1]})
    )
    with pytest.raises(RefusedError):
        believer.believe(operator.repo)


@pytest.mark.parametrize(
    "change",
    [
        lambda custom: custom.update(machine="riscv64"),
        lambda custom: custom.update(python="2.7"),
        lambda custom: custom.update(gate="north-8"),
        lambda custom: custom.update(number=0),
        lambda custom: custom.update(number="2"),
        lambda custom: custom.update(name="\x1b[31m"),
        lambda custom: custom.clear(),
    ],
    ids=["machine", "python", "gate", "number 0", "number as text", "a name that steers terminals", "nothing"],
)
def test_a_target_for_another_machine_or_without_its_fields_is_not_for_this_gate(
    believer: Believer, operator: Operator, change: Callable[[dict[str, Any]], object]
) -> None:
    path = HERE.path_of(Kind.SOFTWARE)
    operator.twist("software", lambda signed: change(signed["targets"][path]["custom"]))
    with pytest.raises(RefusedError, match="software/"):
        believer.believe(operator.repo)


def test_a_number_that_was_seen_does_not_go_back_under_a_newer_version(believer: Believer, operator: Operator) -> None:
    operator.publish(Kind.LISTS, {"a": b"two"})
    believer.believe(operator.repo)
    path = HERE.path_of(Kind.LISTS)
    operator.twist("lists", lambda signed: signed["targets"][path]["custom"].update(number=1))
    with pytest.raises(OldError, match="number 1"):
        believer.believe(operator.repo)
    operator.twist("lists", lambda signed: signed.update(targets={}))
    with pytest.raises(OldError, match="number 0"):
        believer.believe(operator.repo)


def test_a_snapshot_is_one_moment(believer: Believer, operator: Operator) -> None:
    """Mix and match: metadata that were published, of two moments."""
    one = json.loads(operator.newest("snapshot").read_bytes())["signed"]["meta"]["lists.json"]
    operator.publish(Kind.LISTS, {"a": b"two"})
    operator.twist(
        "snapshot", lambda signed: signed["meta"].update({"lists.json": one}), signers=Operator.signers(operator)[:1]
    )
    with pytest.raises(UpdateError):
        believer.believe(operator.repo)


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets", "software"])
def test_endless_metadata_end(believer: Believer, operator: Operator, role: str) -> None:
    operator.twist(role, nothing)
    with operator.newest(role).open("ab") as file:
        file.write(b" " * (LENGTHS.targets_max_length + 1))
    with pytest.raises(RefusedError):
        believer.believe(operator.repo)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"[" * 100_000, b'{"signed":{},"signatures":[]}', b"\xff\xfe", b"null"]
)
@pytest.mark.parametrize("role", ["timestamp", "root"])
def test_what_is_no_metadata_is_one_error(believer: Believer, operator: Operator, role: str, content: bytes) -> None:
    name = "timestamp.json" if role == "timestamp" else "2.root.json"
    (operator.repo / "metadata" / name).write_bytes(content)
    with pytest.raises(RefusedError):
        believer.believe(operator.repo)


def test_another_gate_gets_no_configuration_of_this_one(tmp_path: Path, operator: Operator) -> None:
    other = Believer(tmp_path / "other", operator.first_root, here=Here("north-8", HERE.machine, HERE.python))
    assert Kind.CONFIGURATION not in other.believe(operator.repo).offers


def test_another_operator_is_not_believed(tmp_path: Path, believer: Believer) -> None:
    stranger = Operator(tmp_path / "stranger")
    stranger.publish(Kind.SOFTWARE, {"a": b"evil"})
    with pytest.raises(RefusedError):
        believer.believe(stranger.repo)
