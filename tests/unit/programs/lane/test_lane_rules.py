"""What a lane starts with: the embedder's threshold as the floor, evidence of its own kind in service, all of it recorded."""

import json
from base64 import b64encode
from dataclasses import fields
from dataclasses import replace as replaced
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from core_fakes.approvals import approvers, signer
from fakes.passage_examples import GENUINE
from msgspec.structs import replace

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.pad.settings import PadSensor
from drivers.reader.settings import Elyctis
from drivers.sensors import settings as sensor_settings
from gate.passage import states
from gate.passage.policy import NoChipAuthentication, PadPolicy, Policy, document_objections
from gate.programs.lane.records import fields_of
from gate.programs.lane.rules import embedder_of, require_liveness, rules_of, start_of
from gate.programs.shared.approval import Approved
from gate.programs.shared.config import (
    Audit,
    ChipAuthenticationException,
    Config,
    Face,
    Group,
    Officers,
    Paths,
    Registers,
    Rules,
    SignedList,
    Sync,
)
from gate.programs.shared.devices.profiles import require_profiles
from gate_core.approval.note import Approval
from gate_core.audit_format.record import recipients_digest
from gate_core.evidence.crossing import Score
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.reasons import Reason
from gate_core.evidence.registers import Register
from gate_core.evidence.screen import Purpose
from gate_core.evidence.service_scope import EU, EVERYBODY, BorderDirection, Travellers
from gate_core.settings.config_file import ConfigError
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


def site(folder: str, kind: str, fmr: str = "1e-4") -> None:
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
        "threshold_at_fmr": {fmr: 0.44},
        "fnmr_at_fmr": {fmr: 0.02},
    }
    content = json.dumps(report).encode()
    (Path(folder) / "lane.json").write_bytes(content)
    (Path(folder) / "site.toml").write_text(
        f'schema = 1\n[[thresholds]]\nmodel = "fr_feature"\nreport = "lane.json"\nsha256 = "{sha256(content).hexdigest()}"\n'
        f'fmr = "{fmr}"\nsame_min = 0.36\n'
    )


@pytest.mark.parametrize(("asked", "held"), [(0.0, 0.411), (0.3, 0.411), (0.5, 0.5)])
def test_a_rule_may_ask_for_more_than_the_threshold_and_never_for_less(
    config: Config, asked: float, held: float
) -> None:
    strict = replace(config, rules=replace(config.rules, face_match_min=asked))
    assert rules_of(strict).policy.face_match_min.value == held


def test_a_crossing_lasts_as_long_as_the_site_says(config: Config) -> None:
    assert rules_of(replace(config, rules=replace(config.rules, crossing_limit_s=20))).timing.crossing_max_ms == 20_000


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
    assert embedder_of(service)[1].value == 0.44


@pytest.mark.parametrize("purpose", [Purpose.TRIAL, Purpose.SERVICE])
def test_no_lane_compares_faces_at_more_than_one_false_match_in_a_thousand(config: Config, purpose: Purpose) -> None:
    wanted = replace(config, purpose=purpose)
    site(config.paths.models, "chip_to_live", "1e-3")
    assert embedder_of(wanted)[1].fmr == 1e-3
    site(config.paths.models, "chip_to_live", "1e-2")
    with pytest.raises(ConfigError, match=r"FMR 0\.01; no lane compares at more than 0\.001"):
        embedder_of(wanted)


def pad_report(
    folder: str, *, kind: str = "lane_camera", bound: float = 0.5, passed: tuple[int, int] = (10, 150)
) -> None:
    """File a report on the liveness model, beside whatever else the site's file holds; so many artefacts of one species passed, of so many."""
    fifths = [{"errors": 0, "of": 75, "darkest": 10.0 * n, "brightest": 10.0 * n + 9} for n in range(5)]
    shown = {"print": {"errors": passed[0], "of": passed[1]}, "mask": {"errors": 0, "of": 150}}
    report = {
        "schema": "face.evaluate-pad/1",
        "model": "fr_liveness",
        "model_sha256": load().model("fr_liveness").sha256,
        "kind": kind,
        "bound": bound,
        "service": {
            "flagged": {"errors": 0, "of": 375},
            "people": 60,
            "fifths": fifths,
            "passed": shown,
            "apcer": shown,
        },
    }
    content = json.dumps(report).encode()
    (Path(folder) / "pad.json").write_bytes(content)
    with (Path(folder) / "site.toml").open("a") as file:
        file.write(
            f'[[liveness]]\nmodel = "fr_liveness"\nreport = "pad.json"\nsha256 = "{sha256(content).hexdigest()}"\n'
        )


@pytest.mark.parametrize("kind", [None, "development"])
def test_service_needs_the_lanes_own_word_on_whom_its_liveness_check_flags(config: Config, kind: str | None) -> None:
    service = replace(config, purpose=Purpose.SERVICE)
    site(config.paths.models, "chip_to_live")
    if kind is not None:
        pad_report(config.paths.models, kind=kind)
    with pytest.raises(ConfigError, match=r"^camera\.pad: purpose = service refuses: no report") as refused:
        rules_of(service)
    assert "\n" not in str(refused.value)
    rules_of(config)  # a trial needs none


def test_with_a_report_from_the_lane_service_holds_to_its_bound(config: Config) -> None:
    site(config.paths.models, "chip_to_live")
    pad_report(config.paths.models, bound=0.3)
    service = replace(config, purpose=Purpose.SERVICE)
    with pytest.raises(ConfigError, match=r"rules\.liveness_min: purpose = service refuses: .* made at 0\.3"):
        rules_of(service)
    rules = rules_of(replace(service, rules=Rules(liveness_min=0.3)))
    assert (rules.policy.liveness_min.value, rules.policy.pad) == (0.3, None)


@pytest.mark.parametrize(
    ("passed", "starts"),
    [((0, 150), True), ((10, 150), True), ((70, 1000), True), ((71, 1000), False), ((11, 150), False), ((0, 149), False), ((150, 150), False)],
)  # fmt: skip
def test_service_starts_on_its_own_trials_of_150_attempts_a_species_of_which_7_percent_pass_at_most(
    config: Config, passed: tuple[int, int], *, starts: bool
) -> None:
    site(config.paths.models, "chip_to_live")
    pad_report(config.paths.models, passed=passed)
    service = replace(config, purpose=Purpose.SERVICE)
    if starts:
        rules_of(service)
        return
    with pytest.raises(ConfigError, match=r"^face\.profile: .*pad\.json is not enough for service: print: ") as refused:
        rules_of(service)
    assert "\n" not in str(refused.value)


def pad_profile(folder: Path, verified: str) -> str:
    """A site's copy of the simulator's profile, which says on what it was tried."""
    shipped = (Path(__file__).parents[4] / "drivers/profiles/pad/portcullis-sim.toml").read_text()
    own = folder / "hall-3.toml"
    own.write_text(shipped.replace('verified = "simulator"', f'verified = "{verified}"'))
    own.chmod(0o644)
    return str(own)


def test_a_sensor_with_a_verdict_of_its_own_stands_in_for_the_report_and_its_verdict_is_wanted(config: Config) -> None:
    site(config.paths.models, "chip_to_live")
    sensor = PadSensor(socket="/run/pad", profile=pad_profile(Path(config.paths.models), "hardware"))
    watched = replace(config, camera=replace(config.camera, pad=sensor))
    wanted = PadPolicy("Simulated PAD", ("1",), Score(0.5), 1000)
    assert rules_of(replace(watched, purpose=Purpose.SERVICE)).policy.pad == rules_of(watched).policy.pad == wanted
    lost = replace(config, camera=replace(config.camera, pad=replace(sensor, profile="none-such")))
    with pytest.raises(ConfigError, match=r"camera\.pad\.profile"):
        rules_of(lost)


def test_a_profile_without_a_model_of_liveness_serves_with_a_sensor_only(config: Config) -> None:
    clean = replace(config, purpose=Purpose.SERVICE, face=Face(profile="clean"))
    with pytest.raises(ConfigError, match=r"camera\.pad: purpose = service refuses"):
        require_liveness(clean)
    sensor = PadSensor(socket="/run/pad", profile=pad_profile(Path(config.paths.models), "hardware"))
    require_liveness(replace(clean, camera=replace(clean.camera, pad=sensor)))


@pytest.mark.parametrize("verified", ["simulator", "no"])
def test_no_gate_in_service_relies_on_a_sensor_that_nobody_tried_whatever_its_profile_is_called(
    config: Config, verified: str
) -> None:
    site(config.paths.models, "chip_to_live")
    sensor = PadSensor(socket="/run/pad", profile=pad_profile(Path(config.paths.models), verified))
    watched = replace(config, camera=replace(config.camera, pad=sensor))
    require_profiles(watched)
    for check in (require_liveness, rules_of, require_profiles):
        with pytest.raises(ConfigError) as refused:
            check(replace(watched, purpose=Purpose.SERVICE))
        assert f'camera.pad.profile: purpose = service refuses: it says verified = "{verified}"; ' in str(refused.value)


SENSORS = sensor_settings.Modbus(port="/dev/ttyS2")
LIST = SignedList(agency="Police", keys=("vkey",))
# What a site sets under [rules], and what becomes of it in which field: of the policy, or of the part that is named.
SET: dict[str, tuple[Any, str, object]] = {
    "face_match_min": (0.9, "face_match_min", Score(0.9)),
    "liveness_min": (0.7, "liveness_min", Score(0.7)),
    "officer_presence_max_s": (33, "officer_presence_max_s", 33),
    "trust_age_max_days": (11, "trust_age_max_days", 11),
    "grant_ttl_ms": (2_000, "timing.grant_ttl_ms", 2_000),
    "crossing_limit_s": (20, "timing.crossing_max_ms", 20_000),
    "revocation_required": (False, "revocation_required", False),
    "weak_algorithms_refer": (False, "weak_algorithms_refer", False),
    "without_chip_authentication": (
        (ChipAuthenticationException(issuer="UTO", issued_from=date(2010, 1, 1), issued_to=date(2015, 1, 1)),),
        "without_chip_authentication",
        (NoChipAuthentication("UTO", date(2010, 1, 1), date(2015, 1, 1)),),
    ),
    "page_checks_refer": ((PageCheckId.PAGE_ACCEPTED,), "page_checks_refer", (PageCheckId.PAGE_ACCEPTED,)),
    "camera_inside_zone": (True, "camera_inside_zone", True),
    "camera_sees_zone": (False, "camera_sees_zone", False),
    "directions": ((BorderDirection.EXIT,), "service.directions", (BorderDirection.EXIT,)),
    "travellers": (
        {"locals": Group(nationalities=("UTO",))},
        "service.groups",
        (EVERYBODY, EU, Travellers("locals", ("UTO",))),
    ),
    "without_entry_record": ("all", "without_entry_record", EVERYBODY),
    "two_officers_for": ((Reason.RULE_TWO_OFFICERS,), "two_officers_for", frozenset({Reason.RULE_TWO_OFFICERS})),
    "swap_check_minutes": (7, "swap_check_minutes", 7),
    "random_checks_per_10000": (200, "random_checks_per_10000", 200),
}
# The same of other tables of the configuration.
SET_ELSEWHERE: list[tuple[dict[str, Any], str, object]] = [
    ({"purpose": Purpose.SERVICE}, "test_documents", False),
    ({"purpose": Purpose.DEMO}, "head_required", False),
    ({"sensors": SENSORS}, "sensors", True),
    ({"sensors": SENSORS, "first_barrier": Modbus(port="/dev/ttyS3")}, "two_doors", True),
    ({"mode": "shadow"}, "shadow", True),
    ({"registers": Registers(lists={"stolen": LIST})}, "registers", (Register("stolen"),)),
    ({"registers": Registers(lists={"stolen": LIST}, answer_ms=500)}, "timing.registers_max_ms", 1_500),
]
# What no site sets; whom the lane serves is an officer's order, what a sensor wants its profile's, and written rules have a test of their own.
NOT_SET = {
    "lane_age_max_ms",
    "face_age_max_ms",
    "site_age_max_s",
    "inside_age_max_ms",
    "inside_looks_min",
    "travellers",
}
ELSEWHERE = {"pad", "rules"}


@pytest.mark.parametrize(
    ("changes", "where", "is_there"),
    [({"rules": Rules(**{name: value})}, where, then) for name, (value, where, then) in SET.items()] + SET_ELSEWHERE,
    ids=[*SET, *(where for _, where, _ in SET_ELSEWHERE)],
)
def test_what_a_site_sets_is_what_its_lane_decides_by(
    config: Config, changes: dict[str, Any], where: str, is_there: object
) -> None:
    part, _, name = where.rpartition(".")

    def found(rules: states.Rules) -> object:
        return getattr(rules if name == "two_officers_for" else getattr(rules, part or "policy"), name)

    site(config.paths.models, "chip_to_live")
    pad_report(config.paths.models)
    assert found(rules_of(replace(config, **changes))) == is_there
    assert found(rules_of(config)) != is_there, "the site changes nothing by it"


def test_nothing_that_a_site_sets_and_no_field_of_the_policy_is_forgotten_above() -> None:
    assert SET.keys() | {"written"} == set(Rules.__struct_fields__)
    carried = {where for _, where, _ in [*SET.values(), *SET_ELSEWHERE] if "." not in where} - {"two_officers_for"}
    assert carried | NOT_SET | ELSEWHERE == {one.name for one in fields(Policy)}


OF_FREE_MOVEMENT = {
    **dict.fromkeys(("FRA", "D", "CHE", "NOR", "IRL"), True),
    **dict.fromkeys(("CAN", "GBR", "UTO", "XXA"), False),
}


@pytest.mark.parametrize("nationality", OF_FREE_MOVEMENT)
@pytest.mark.parametrize("purpose", [Purpose.TRIAL, Purpose.SERVICE])
def test_a_gate_at_a_real_border_refers_whose_entry_somebody_must_write_unless_its_site_says_otherwise(
    config: Config, purpose: Purpose, nationality: str
) -> None:
    site(config.paths.models, "chip_to_live")
    pad_report(config.paths.models)
    traveller = replaced(GENUINE, nationality=nationality)

    def objections(rules: Rules) -> list[tuple[str, str]]:
        policy = replaced(rules_of(replace(config, purpose=purpose, rules=rules)).policy, test_documents=True)
        return [(one.reason.value, one.detail) for one in document_objections(traveller, policy)]

    referred = [] if OF_FREE_MOVEMENT[nationality] else [("entry_not_written", "eu")]
    assert objections(config.rules) == referred
    assert objections(Rules(without_entry_record="eu")) == referred
    assert objections(Rules(without_entry_record="all")) == []
    neighbours = {"neighbours": Group(nationalities=("CAN", "FRA"))}
    found = objections(Rules(without_entry_record="neighbours", travellers=neighbours))
    assert found == ([] if nationality in {"CAN", "FRA"} else [("entry_not_written", "neighbours")])


def test_the_camera_sees_the_zone_unless_the_site_says_that_it_does_not(config: Config) -> None:
    assert rules_of(config).policy.camera_sees_zone
    assert not rules_of(replace(config, rules=Rules(camera_sees_zone=False))).policy.camera_sees_zone


def test_a_demo_is_at_no_border_and_writes_of_nobody(config: Config) -> None:
    demo = replace(config, purpose=Purpose.DEMO)
    assert rules_of(demo).policy.without_entry_record.everybody
    strict = replace(demo, rules=Rules(without_entry_record="eu"))
    assert rules_of(strict).policy.without_entry_record == EU


@pytest.mark.parametrize(
    ("changes", "required"),
    [
        ({}, True),
        ({"purpose": Purpose.DEMO}, False),
        ({"purpose": Purpose.DEMO, "sync": Sync(address="c:1", identity="i", mirror_vkey="v")}, True),
        ({"mode": "shadow"}, False),
    ],
    ids=["trial", "demo", "demo with a central server", "shadow"],
)
def test_somebody_must_bear_out_the_logs_head_wherever_there_is_something_to_lose(
    config: Config, changes: dict[str, Any], *, required: bool
) -> None:
    assert rules_of(replace(config, **changes)).policy.head_required is required


def test_the_record_of_the_start_names_whose_officers_are_obeyed(config: Config) -> None:
    assert start_of(config, None).officers == ""
    key = b64encode(signer("anna").verifier.public_key).decode()
    assert start_of(replace(config, officers=Officers(authority=key)), None).officers == key


@pytest.mark.parametrize("profile", ["none", "empty"])
def test_a_profile_that_cannot_serve_is_a_configuration_error(config: Config, profile: str) -> None:
    (Path(config.paths.models) / "site.toml").write_text("schema = 1\n[profiles]\nempty = []\n")
    with pytest.raises(ConfigError, match=r"face\.profile"):
        rules_of(replace(config, face=Face(profile=profile)))


def test_an_authority_for_whom_anybody_could_sign_is_refused(config: Config) -> None:
    small = replace(config, officers=Officers(authority=b64encode((1).to_bytes(32, "little")).decode()))
    with pytest.raises(ConfigError, match=r"officers\.authority: is no key"):
        rules_of(small)


def test_the_record_of_the_start_names_who_approved_and_who_may(config: Config) -> None:
    demo = start_of(config, None).approval
    assert (demo.serial, demo.persons, demo.keys) == (0, (), {})
    known = approvers()
    there = Approved(Approval(config.origin, 12, "ab" * 32), ("anna.example", "ben.example"), known)
    told = start_of(config, there).approval
    assert (told.serial, told.sha256, told.persons) == (12, "ab" * 32, ("anna.example", "ben.example"))
    assert told.keys == {key.name: key.vkey for key in known.keys}
    assert told.authority == signer("authority").verifier.vkey


def test_the_record_of_the_start_names_rules_and_threshold(config: Config) -> None:
    first = start_of(config, None)
    site(config.paths.models, "chip_to_live")
    second = start_of(replace(config, rules=Rules(liveness_min=0.6)), None)
    assert (first.face.threshold, second.face.threshold) == (0.411, 0.44)
    assert second.face.kind == "chip_to_live"
    assert "3 people" in second.face.evidence
    assert (first.rules["liveness_min"], second.rules["liveness_min"]) == (0.5, 0.6)
    json.dumps(fields_of(second))


def test_the_start_names_whom_records_are_sealed_for_as_the_log_does(config: Config) -> None:
    digest, hashes = recipients_digest(config.audit.recipients)
    assert start_of(config, None).recipients == hashes
    assert recipients_digest(reversed(config.audit.recipients)) == (digest, hashes)
