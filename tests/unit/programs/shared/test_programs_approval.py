"""The approval beside the configuration: what it covers, what it follows, and what attackers lay in its place."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
from core_fakes.approvals import approvers, signed, signer, write_approvers
from fakes.approvals import approve
from msgspec.structs import replace

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.pad.settings import PadSensor
from drivers.reader.settings import Elyctis, Scanner
from gate.channel import log_messages
from gate.programs.shared.approval import Approved, approved, before_of, install, unsafe_files
from gate.programs.shared.basis import basis_of
from gate.programs.shared.config import Audit, Config, Console, Group, Lists, Officers, Paths, Rules, Sync
from gate.programs.shared.system_card import Judgements, judgements_of, require_card
from gate_core.approval.canonical import digest
from gate_core.approval.note import SERIAL_MAX, Approval, Before
from gate_core.evidence.screen import Purpose
from gate_core.evidence.service_scope import BorderDirection
from gate_core.settings.config_file import ConfigError

OTHER = "cd" * 32
TODAY = date(2026, 12, 5)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A trial with a barrier's profile of its own, approved with serial 5."""
    profile = tmp_path / "hall-3.toml"
    profile.write_text((resources.files("drivers.profiles") / "barrier" / "lot.toml").read_text())
    profile.chmod(0o644)
    consoles = tmp_path / "consoles.pem"
    consoles.write_bytes(b"certificates")
    signer_of_lists = tmp_path / "lists.cer"
    signer_of_lists.write_bytes(b"certificate")
    cameras = tmp_path / "cameras.pem"
    cameras.write_bytes(b"certificates")
    made = Config(
        purpose=Purpose.TRIAL,
        gate_id="gate-1",
        operator="border.example",
        paths=Paths(models=str(tmp_path), approval=str(tmp_path)),
        barrier=Modbus(port="/dev/ttyS0", profile=str(profile)),
        swipe=Elyctis(port="/dev/ttyS1"),
        camera=Network(address="https://127.0.0.1:9/", authorities=str(cameras)),
        audit=Audit(recipients=("one", "other")),
        lists=Lists(folder=str(tmp_path), signer=str(signer_of_lists)),
        console=Console(address="192.0.2.5:8443", certificates=str(consoles)),
    )
    approve(made, serial=5)
    return made


def refused(config: Config, why: str, before: Before | None = None) -> str:
    with pytest.raises(ConfigError, match=why) as raised:
        approved(config, before)
    (problem,) = raised.value.problems
    return str(problem)


def test_what_two_have_signed_is_in_force(config: Config) -> None:
    found = approved(config)
    assert isinstance(found, Approved)
    assert (found.approval.serial, found.signers) == (5, ("anna.example", "ben.example"))
    assert found.approvers.are(approvers())


def test_a_demo_needs_none(config: Config, tmp_path: Path) -> None:
    for name in ("approvers.toml", "approval.note"):
        (tmp_path / name).unlink()
    assert approved(replace(config, purpose=Purpose.DEMO)) is None


@pytest.mark.parametrize("purpose", [Purpose.TRIAL, Purpose.SERVICE])
def test_trial_and_service_begin_with_nothing_else(config: Config, tmp_path: Path, purpose: Purpose) -> None:
    (tmp_path / "approval.note").unlink()
    said = refused(replace(config, purpose=purpose), "cannot be read: No such file")
    sha256 = digest(basis_of(replace(config, purpose=purpose)))
    mark = "" if purpose is Purpose.SERVICE else "/trial"
    assert said.endswith(f"must sign: gate border.example/gate-1{mark}, serial 1, digest {sha256}")
    assert "\n" not in said


def turned(config: Config) -> Modbus:
    assert isinstance(config.barrier, Modbus)
    return replace(config.barrier, entry_is_left=False)


CHANGES: dict[str, Callable[[Config], Config]] = {
    "camera": lambda it: replace(it, camera=Network(address="http://127.0.0.1:8/")),
    "camera's reason for http": lambda it: replace(
        it, camera=Network(address="http://127.0.0.1:9/", plain_http_risk="alone on its cable")
    ),
    "trust": lambda it: replace(it, paths=replace(it.paths, trust="/tmp/trust.sqlite")),
    "entry side": lambda it: replace(it, barrier=turned(it)),
    "recipients": lambda it: replace(it, audit=Audit(recipients=("one", "mallory"))),
    "rules": lambda it: replace(it, rules=Rules(liveness_min=0.4)),
    "directions": lambda it: replace(it, rules=Rules(directions=(BorderDirection.EXIT,))),
    "groups": lambda it: replace(it, rules=Rules(travellers={"crew": Group(nationalities=("PHL",))})),
    "officers": lambda it: replace(
        it, officers=Officers(authority=b64encode(signer("dora").verifier.public_key).decode())
    ),
    "mode": lambda it: replace(it, mode="shadow"),
    "no console": lambda it: replace(it, console=None),
    "place": lambda it: replace(it, time_zone="Europe/Amsterdam"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_approved_cannot_be_changed_without_them(config: Config, what: str) -> None:
    said = refused(CHANGES[what](config), "something was changed")
    assert "serial 6" in said


def test_another_certificate_of_the_same_server_needs_no_other_approval(config: Config) -> None:
    """Each enrolment has a folder of its own."""
    enrolled = replace(config, sync=Sync(address="c:1", identity="/i/1", mirror_vkey="mirror+1+A"))
    refused(enrolled, "something was changed")
    approve(enrolled, serial=6)
    assert enrolled.sync is not None
    assert approved(replace(enrolled, sync=replace(enrolled.sync, identity="/i/2"))) is not None
    for other in (replace(enrolled.sync, address="d:1"), replace(enrolled.sync, mirror_vkey="mirror+2+B")):
        refused(replace(enrolled, sync=other), "something was changed")


@pytest.mark.parametrize("name", ["hall-3.toml", "lists.cer", "consoles.pem", "cameras.pem", "approvers.toml"])
def test_one_byte_of_a_file_that_is_named_is_another_digest(config: Config, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b"\n")
    refused(config, "something was changed")


def test_the_sites_own_models_and_evidence_are_covered(config: Config, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("schema = 1\n")
    refused(config, "something was changed")


def test_another_gates_approval_and_that_of_another_purpose_are_refused(config: Config) -> None:
    for other in (
        replace(config, gate_id="gate-2"),
        replace(config, operator="b.example"),
        replace(config, purpose=Purpose.SERVICE),
    ):
        note = approve(other, serial=9)
        said = refused(config, "is for another gate")
        assert "serial 1," in said, "another gate's serial is none of ours"
        note.unlink()


def test_the_serial_is_held_against_what_the_gate_began_with(config: Config) -> None:
    sha256, who = digest(basis_of(config)), approvers()
    for before in (None, Before(4, OTHER, who), Before(5, sha256, who)):
        assert approved(config, before)
    assert "serial 7" in refused(config, "is older", Before(6, OTHER, who))
    assert "serial 6" in refused(config, "another digest", Before(5, OTHER, who))


def test_an_older_approval_with_what_it_approved_is_refused(config: Config, tmp_path: Path) -> None:
    """The whole of an earlier state, as it was signed: replayed to lower a threshold again."""
    earlier = (tmp_path / "approval.note").read_bytes()
    strict = replace(config, rules=Rules(liveness_min=0.9))
    approve(strict, serial=6)
    began = approved(strict)
    assert began is not None
    told = log_messages.Approved(began.approval.serial, began.approval.sha256, began.approvers.to_bytes())
    (tmp_path / "approval.note").write_bytes(earlier)
    refused(config, "is older than what the gate began with before: serial 5, after 6", before_of(told))


def test_swapped_approvers_with_their_own_signatures_are_refused_once_the_gate_has_begun(
    config: Config, tmp_path: Path
) -> None:
    before = Before(5, digest(basis_of(config)), approvers())
    strangers = ("dora", "emil", "fay")
    write_approvers(tmp_path / "approvers.toml", strangers)
    refused(config, "something was changed", before)
    approve(config, serial=6, persons=strangers[:2], listed=strangers)
    refused(config, "names other approvers than before", before)
    approve(config, serial=6, persons=("dora", "emil", "anna", "carla"), listed=strangers)
    assert approved(config, before)
    approve(config, serial=6, persons=("dora", "emil", "authority"), listed=strangers)
    assert approved(config, before)


def test_a_note_with_the_last_serial_that_nobody_signed_uses_none_up(config: Config) -> None:
    last = Approval(config.origin, SERIAL_MAX, digest(basis_of(config)))
    for persons in ((), ("anna",), ("dora", "emil")):
        config.approval_path.write_bytes(signed(last, (*persons, "fay")).note.to_bytes())
        assert "serial 1, digest" in refused(config, "of the approvers alone")
    config.approval_path.write_bytes(signed(last).note.to_bytes())
    assert approved(config)
    assert f"serial {SERIAL_MAX}, digest" in refused(replace(config, mode="shadow"), "something was changed")


def test_a_list_with_a_person_twice_or_a_small_key_is_told_with_its_line(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "approvers.toml"
    twice = [signer("anna").verifier.vkey, signer("ben").verifier.vkey, signer("anna").verifier.vkey]
    path.write_text(f"schema = 1\n# three\napprovers = {twice}\n".replace("'", '"'))
    assert refused(config, "has the name").startswith(f"{path}:3: approvers.2: ")
    path.write_text(f"schema = 1\napprovers = {twice[:2]}\n".replace("'", '"'))
    assert refused(config, "length >= 3").startswith(f"{path}:2: approvers: ")


def test_a_file_that_is_none_is_refused_and_nothing_waits_for_it(config: Config, tmp_path: Path) -> None:
    for name in ("approval.note", "approvers.toml"):
        path, kept = tmp_path / name, tmp_path / "kept"
        path.rename(kept)
        path.symlink_to(kept)
        refused(config, "no ordinary file but a link")
        path.unlink()
        os.mkfifo(path)
        refused(config, "no ordinary file")
        path.unlink()
        path.mkdir()
        refused(config, "no ordinary file")
        path.rmdir()
        path.write_bytes(b"\xff" * 20_000)
        refused(config, "longer than")
        kept.rename(path)
    assert approved(config)


@pytest.mark.parametrize("kept", [0, 1, 40, 150, 300])
def test_a_half_written_note_or_list_is_refused(config: Config, tmp_path: Path, kept: int) -> None:
    for name in ("approval.note", "approvers.toml"):
        path = tmp_path / name
        whole = path.read_bytes()
        path.write_bytes(whole[:kept])
        with pytest.raises(ConfigError):
            approved(config)
        path.write_bytes(whole)
    assert approved(config)


# ── putting one into its place ───────────────────────────────────────────────────────────────────────────────────────


def test_an_approval_is_put_into_its_place_with_what_it_approves(config: Config, tmp_path: Path) -> None:
    strangers = ("anna", "ben", "dora")
    staged_list = write_approvers(tmp_path / "new-approvers.toml", strangers)
    staged, path = tmp_path / "staged.toml", tmp_path / "gate.toml"
    staged.write_text("staged")
    new = replace(config, rules=Rules(liveness_min=0.9))
    note = tmp_path / "carried.note"
    note.write_bytes(signed(Approval(new.origin, 6, digest(basis_of(new, staged_list)))).note.to_bytes())
    umask = os.umask(0o077)
    try:
        install(new, note, approvers=staged_list, staged=staged, path=path, today=TODAY)
    finally:
        os.umask(umask)
    modes = {one.stat().st_mode & 0o777 for one in (path, new.approvers_path, new.approval_path)}
    assert modes == {0o644}, "the lane's user reads them, whatever root's umask is"
    found = approved(new)
    assert found is not None
    assert (found.approval.serial, path.read_text()) == (6, "staged")
    assert {key.name for key in found.approvers.keys} == {"anna.example", "ben.example", "dora.example"}
    install(new, note, approvers=staged_list, staged=staged, path=path, today=TODAY)
    assert approved(new) == found


def test_what_the_lane_would_refuse_changes_nothing(config: Config, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(tmp_path.iterdir())}
    note = tmp_path / "carried.note"
    new = replace(config, rules=Rules(liveness_min=0.9))
    sha256 = digest(basis_of(new))
    for bad, why in (
        (signed(Approval(new.origin, 6, sha256), ("anna",)), "anna.example of the approvers alone"),
        (signed(Approval(new.origin, 4, sha256)), "is older"),
        (signed(Approval(new.origin, 5, sha256)), "another digest"),
        (signed(Approval("border.example/gate-2", 6, sha256)), "another gate"),
        (signed(Approval(new.origin, 6, OTHER)), "something was changed"),
    ):
        note.write_bytes(bad.note.to_bytes())
        with pytest.raises(ConfigError, match=why):
            install(new, note, approvers=None, staged=None, path=tmp_path / "gate.toml", today=TODAY)
        note.unlink()
        assert {path: path.read_bytes() for path in sorted(tmp_path.iterdir())} == before


FILLED = "on = 2026-12-01\n" + "\n".join(f'{name} = "said"' for name in Judgements.__struct_fields__ if name != "on")


def test_a_card_with_blanks_keeps_a_configuration_out_and_touches_none_that_runs(
    config: Config, tmp_path: Path
) -> None:
    card, note = tmp_path / "card.toml", tmp_path / "carried.note"
    card.write_text(FILLED.replace('legal_basis = "said"', 'legal_basis = " "'))
    card.chmod(0o644)
    carded = replace(config, card=str(card))

    def put(serial: int) -> Approved:
        note.write_bytes(signed(Approval(carded.origin, serial, digest(basis_of(carded)))).note.to_bytes())
        return install(carded, note, approvers=None, staged=None, path=tmp_path / "gate.toml", today=TODAY)

    with pytest.raises(ConfigError, match="is blank") as raised:
        put(6)
    assert [problem.key for problem in raised.value.problems] == ["legal_basis"]
    assert approved(config), "what is in force goes on"
    approve(carded, serial=6)
    assert approved(carded), "and a blank stops none that two persons approved"
    card.write_text(FILLED)
    assert put(7).approval.serial == 7
    card.write_text(FILLED.replace("said", "says", 1))
    with pytest.raises(ConfigError):
        approved(carded)


def test_from_the_day_of_its_duties_service_wants_a_card(config: Config) -> None:
    service = replace(config, purpose=Purpose.SERVICE)
    require_card(service, date(2027, 12, 1))
    require_card(config, date(2027, 12, 2))
    with pytest.raises(ConfigError, match="wants a system card"):
        require_card(service, date(2027, 12, 2))


@pytest.mark.parametrize("text", ["legal_base = 'x'", "on = 'today'", "person = 7", "not toml"])
def test_a_card_that_is_none_says_where(config: Config, tmp_path: Path, text: str) -> None:
    (tmp_path / "card.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        judgements_of(replace(config, card=str(tmp_path / "card.toml")))
    assert raised.value.problems[0].line == 1


# ── files that others can write ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_in_service_a_file_that_somebody_else_can_write_is_named(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text("")
    tmp_path.chmod(0o755)
    for name in ("reader.toml", "pad.toml"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o644)
    pad = PadSensor(socket="/run/pad", profile=str(tmp_path / "pad.toml"))
    service = replace(
        config,
        purpose=Purpose.SERVICE,
        swipe=Scanner(port="/dev/ttyS1", profile=str(tmp_path / "reader.toml")),
        camera=replace(config.camera, pad=pad),
    )

    def named() -> set[str]:
        return {Path(problem.file).name for problem in unsafe_files(service, path)}

    assert named() == set()
    for name in (
        "gate.toml",
        "approvers.toml",
        "approval.note",
        "hall-3.toml",
        "reader.toml",
        "pad.toml",
        "lists.cer",
        "consoles.pem",
        "cameras.pem",
    ):
        (tmp_path / name).chmod(0o664)
        assert named() == {name}
        (tmp_path / name).chmod(0o644)
        os.chown(tmp_path / name, 4242, -1)
        assert named() == {name}
        os.chown(tmp_path / name, 0, -1)
    tmp_path.chmod(0o777)
    assert len(named()) == 9, "whoever can write the folder can put another file into the place"
    assert unsafe_files(config, path) == [], "a trial may be set up by anybody"
    tmp_path.chmod(0o755)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_a_link_is_followed_to_the_file_that_counts(config: Config, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose").chmod(0o777)
    (tmp_path / "loose" / "gate.toml").write_text("")
    (tmp_path / "gate.toml").symlink_to(tmp_path / "loose" / "gate.toml")
    (problem,) = unsafe_files(replace(config, purpose=Purpose.SERVICE), tmp_path / "gate.toml")
    assert "loose" in problem.problem
