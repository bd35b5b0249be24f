"""What a lane starts with: the embedder's threshold as the floor, evidence of its own kind in service, all of it recorded."""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.passage.screen import Purpose
from gate.passage.serving import BorderDirection
from gate.programs.lane.records import fields_of
from gate.programs.lane.rules import embedder_of, rules_of, start_of
from gate.programs.shared.config import Approval, Audit, Config, ConfigError, Face, Group, Officers, Paths, Rules
from models.manifest import load


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        purpose=Purpose.TRIAL,
        gate_id="gate-1",
        operator="border.example",
        paths=Paths(models=str(tmp_path)),
        barrier=Modbus(port="/dev/ttyS0"),
        swipe=Elyctis(port="/dev/ttyS1"),
        camera=Network(address="http://127.0.0.1:9/"),
        audit=Audit(recipients=("one", "other")),
    )


def site(folder: str, kind: str) -> None:
    """Own evidence for the shipped embedder."""
    report: dict[str, Any] = {
        "schema": "face.evaluate/1",
        "model": "fr_feature",
        "model_sha256": load().model("fr_feature").sha256,
        "kind": kind,
        "images": 9,
        "identities": 3,
        "genuine": 9,
        "impostor": 27,
        "threshold_at_fmr": {"1e-4": 0.44},
        "fnmr_at_fmr": {"1e-4": 0.02},
    }
    content = json.dumps(report).encode()
    (Path(folder) / "lane.json").write_bytes(content)
    (Path(folder) / "site.toml").write_text(
        f'schema = 1\n[[thresholds]]\nmodel = "fr_feature"\nreport = "lane.json"\nsha256 = "{sha256(content).hexdigest()}"\n'
        'fmr = "1e-4"\nsame_min = 0.36\n'
    )


@pytest.mark.parametrize(("asked", "held"), [(0.0, 0.411), (0.3, 0.411), (0.5, 0.5)])
def test_a_rule_may_ask_for_more_than_the_threshold_and_never_for_less(
    config: Config, asked: float, held: float
) -> None:
    strict = replace(config, rules=replace(config.rules, face_match_min=asked))
    assert rules_of(strict).policy.face_match_min.value == held


def test_the_threshold_goes_with_the_profile(config: Config) -> None:
    assert rules_of(replace(config, face=Face(profile="clean"))).policy.face_match_min.value == 0.943


def test_service_starts_only_on_chip_portraits_against_a_lanes_camera(config: Config) -> None:
    service = replace(config, purpose=Purpose.SERVICE)
    with pytest.raises(ConfigError, match="purpose = service refuses"):
        embedder_of(service)
    site(config.paths.models, "development")
    with pytest.raises(ConfigError, match="purpose = service refuses"):
        embedder_of(service)
    site(config.paths.models, "chip_to_live")
    assert rules_of(approved(service)).policy.face_match_min.value == 0.44


ANNA, BEN = Ed25519PrivateKey.from_private_bytes(bytes(32)), Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)


def signed_by(name: str, key: Ed25519PrivateKey, text: str) -> Approval:
    public = key.public_key().public_bytes_raw()
    return Approval(name=name, key=b64encode(public).decode(), signature=b64encode(key.sign(text.encode())).decode())


def approved(config: Config) -> Config:
    """The configuration with two persons' approval of what it says."""
    text = start_of(config, "v").approval.sha256
    return replace(config, approval=(signed_by("Anna", ANNA, text), signed_by("Ben", BEN, text)))


def test_in_service_two_persons_stand_behind_rules_and_threshold(config: Config) -> None:
    site(config.paths.models, "chip_to_live")
    service = replace(config, purpose=Purpose.SERVICE)
    text = start_of(service, "v").approval.sha256
    with pytest.raises(ConfigError, match=f"approved by nobody; 2 persons must sign {text}"):
        rules_of(service)
    both = approved(service)
    rules_of(both)
    assert start_of(both, "v").approval.persons == ("Anna", "Ben")
    for alone in (
        both.approval[:1],
        (both.approval[0], both.approval[0]),
        (both.approval[0], signed_by("Ben", ANNA, text)),  # one key under two names
        (both.approval[0], signed_by("Anna", BEN, text)),  # one name with two keys
        (both.approval[0], replace(both.approval[1], signature=both.approval[0].signature)),
        (both.approval[0], signed_by("Ben", BEN, "another digest")),
        (both.approval[0], replace(both.approval[1], key="A" * 43 + "=")),
    ):
        with pytest.raises(ConfigError, match="approved by Anna; 2 persons must sign"):
            rules_of(replace(both, approval=alone))


def test_what_was_approved_cannot_be_changed_without_them(config: Config) -> None:
    site(config.paths.models, "chip_to_live")
    both = approved(replace(config, purpose=Purpose.SERVICE))
    for changed in (
        replace(both, rules=Rules(liveness_min=0.4)),
        replace(both, rules=Rules(face_match_min=0.45)),
        replace(both, rules=Rules(directions=(BorderDirection.EXIT,))),
        replace(both, rules=Rules(travellers={"crew": Group(nationalities=("PHL",))})),
        replace(both, face=Face(profile="clean")),
        replace(both, officers=Officers(authority=b64encode(bytes(32)).decode())),
    ):
        with pytest.raises(ConfigError, match="purpose = service refuses"):
            rules_of(changed)
    report = Path(config.paths.models) / "lane.json"
    table = Path(config.paths.models) / "site.toml"
    lower = report.read_bytes().replace(b"0.44", b"0.40")
    before = sha256(report.read_bytes()).hexdigest()
    report.write_bytes(lower)
    table.write_text(table.read_text().replace(before, sha256(lower).hexdigest()))
    with pytest.raises(ConfigError, match="approved by nobody"):
        rules_of(both)


def test_a_demo_or_trial_needs_no_approval_and_says_so_in_the_record(config: Config) -> None:
    rules_of(config)
    assert start_of(config, "v").approval.persons == ()
    known = start_of(approved(config), "v").approval
    assert known.keys["Anna"] == b64encode(ANNA.public_key().public_bytes_raw()).decode()


def test_the_record_of_the_start_names_whose_officers_are_obeyed(config: Config) -> None:
    assert start_of(config, "v").officers == ""
    key = b64encode(ANNA.public_key().public_bytes_raw()).decode()
    assert start_of(replace(config, officers=Officers(authority=key)), "v").officers == key


@pytest.mark.parametrize("profile", ["none", "empty"])
def test_a_profile_that_cannot_serve_is_a_configuration_error(config: Config, profile: str) -> None:
    (Path(config.paths.models) / "site.toml").write_text("schema = 1\n[profiles]\nempty = []\n")
    with pytest.raises(ConfigError, match=r"face\.profile"):
        rules_of(replace(config, face=Face(profile=profile)))


def test_the_record_of_the_start_names_rules_and_threshold(config: Config) -> None:
    first = start_of(config, "v")
    site(config.paths.models, "chip_to_live")
    second = start_of(replace(config, rules=Rules(liveness_min=0.6)), "v")
    assert (first.face.threshold, second.face.threshold) == (0.411, 0.44)
    assert second.face.kind == "chip_to_live"
    assert "3 people" in second.face.evidence
    assert (first.rules["liveness_min"], second.rules["liveness_min"]) == (0.5, 0.6)
    json.dumps(fields_of(second))
