"""Converts the configuration to the lane's policy, timing and service, and checks the models' thresholds."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from gate.passage.lane import Timing
from gate.passage.policy import FMR_MAX, NoChipAuthentication, PadPolicy, Policy
from gate.passage.records import ApprovalSettings, FaceSettings, RulesStated, Started
from gate.passage.rule_set import NO_RULES, RuleSet
from gate.passage.states import Rules
from gate.programs.shared.approval import Approved
from gate.programs.shared.basis import basis_of
from gate.programs.shared.config import Config
from gate.programs.shared.devices import pads
from gate.programs.shared.written_rules import Written
from gate_core.approval.approvers import is_sound
from gate_core.approval.canonical import digest
from gate_core.evidence.crossing import Score
from gate_core.evidence.service_scope import EU, EVERYBODY, Service, Travellers
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import Problem
from gate_documents.countries import is_state_code
from models.errors import ManifestError
from models.manifest import Model, Threshold, check_finders
from models.site import load_for

REGISTERS_SLACK_MS: Final = 1000  # beyond the registers' deadline, for both ways
RULES_TEXT_MAX: Final = 32 * 1024  # characters of written rules in a record; ASCII, quoted once more


def _refused(key: str, why: str) -> ConfigError:
    return ConfigError(Problem(key, why))


def rules_of(config: Config, rule_set: RuleSet = NO_RULES) -> Rules:
    """Return the configured policy, timing and service. Raises ConfigError, also for a wrong profile, state or key."""
    rules = config.rules
    require_officers(config)
    require_liveness(config)
    pad = pads.profile_of(config)
    policy = Policy(
        face_match_min=Score(max(rules.face_match_min, embedder_of(config)[1].value)),
        liveness_min=Score(rules.liveness_min),
        officer_presence_max_s=rules.officer_presence_max_s,
        trust_age_max_days=rules.trust_age_max_days,
        revocation_required=rules.revocation_required,
        test_documents=config.purpose != "service",
        weak_algorithms_refer=rules.weak_algorithms_refer,
        without_chip_authentication=tuple(
            NoChipAuthentication(item.issuer, item.issued_from, item.issued_to)
            for item in rules.without_chip_authentication
        ),
        page_checks_refer=rules.page_checks_refer,
        camera_inside_zone=rules.camera_inside_zone,
        camera_sees_zone=rules.camera_sees_zone,
        sensors=config.sensors is not None,
        two_doors=config.first_driven is not None,
        shadow=config.driven is None,
        head_required=config.driven is not None and (config.purpose != "demo" or config.sync is not None),
        random_checks_per_10000=rules.random_checks_per_10000,
        registers=() if config.registers is None else config.registers.required,
        pad=None
        if pad is None
        else PadPolicy(pad.name, pad.versions, Score(pad.bound), pad.age_ms_max),  # as its profile says
        swap_check_minutes=rules.swap_check_minutes,
        rules=rule_set.sha256,
    )
    unwritten = config.without_entry_record
    service = service_of(config)
    policy = replace(policy, without_entry_record=service.group(unwritten) or Travellers(unwritten, ()))
    timing = Timing(grant_ttl_ms=rules.grant_ttl_ms, crossing_max_ms=rules.crossing_limit_s * 1000)
    if config.registers is not None:
        timing = replace(timing, registers_max_ms=config.registers.answer_ms + REGISTERS_SLACK_MS)
    return Rules(policy, timing, service, frozenset(rules.two_officers_for), rule_set)


def service_of(config: Config) -> Service:
    """Return what the lane may serve. Raises ConfigError for a code that is no nationality of an MRZ."""
    groups = []
    for name, group in config.rules.travellers.items():
        if unknown := [code for code in group.nationalities if not is_state_code(code)]:
            wrong = f"{', '.join(unknown)} is no nationality of an MRZ (ICAO 9303-3 §5)"
            raise _refused(f"rules.travellers.{name}", wrong)
        groups.append(Travellers(name, group.nationalities))
    return Service(config.rules.directions, (EVERYBODY, EU, *groups))


def require_officers(config: Config) -> None:
    """Raise ConfigError if the authority's key is of small order: anyone could sign officers' orders."""
    if config.officers is not None and not is_sound(b64decode(config.officers.authority)):
        raise _refused("officers.authority", "is no key: it is of small order, or has another spelling")


def embedder_of(config: Config) -> tuple[Model, Threshold]:
    """Return the embedder and its threshold. Raises ConfigError for an unusable profile (safety invariant 14)."""
    try:
        profile = load_for(Path(config.paths.models)).profile(config.face.profile)
        (embedder,) = (model for model in profile if model.role == "embed")
        check_finders(profile)
    except (ManifestError, ValueError) as error:
        raise _refused("face.profile", str(error)) from error
    if embedder.threshold is None:
        raise _refused("face.profile", "its embedder has no threshold; gate face evaluate gives it one")
    if embedder.threshold.fmr is None or embedder.threshold.fmr > FMR_MAX:
        raise _refused(
            "face.profile", f"its threshold is of FMR {embedder.threshold.fmr}; no lane compares at more than {FMR_MAX}"
        )
    if config.purpose == "service" and embedder.threshold.kind != "chip_to_live":
        raise _refused(
            "face.profile",
            "purpose = service refuses: its threshold rests on other pictures than chip portraits against this lane's camera; see "
            "docs/guides/technician.md",
        )
    return embedder, embedder.threshold


def liveness_of(config: Config) -> tuple[Model, Threshold] | None:
    """Return the liveness model and its threshold; None if the profile has none. Raises ConfigError."""
    try:
        profile = load_for(Path(config.paths.models)).profile(config.face.profile)
    except ManifestError as error:
        raise _refused("face.profile", str(error)) from error
    found = next((model for model in profile if model.role == "liveness"), None)
    return None if found is None or found.threshold is None else (found, found.threshold)


def require_liveness(config: Config) -> None:
    """Raise ConfigError for a gate in service without evidence of its liveness check (safety invariant 14): trials of
    its own lane at the configured bound (models.liveness_evidence), or a sensor with a verdict of its own.
    """
    if config.purpose != "service" or pads.profile_of(config) is not None:
        return
    found = liveness_of(config)
    if found is None or found[1].kind != "lane_camera":
        raise _refused(
            "camera.pad",
            "purpose = service refuses: no report from this lane says what the liveness check detects and whom it flags, and there is no sensor "
            "with a verdict of its own; see docs/guides/technician.md",
        )
    if found[1].value != config.rules.liveness_min:
        raise _refused(
            "rules.liveness_min", f"purpose = service refuses: the lane's own report was made at {found[1].value:g}"
        )


def start_of(config: Config, approved: Approved | None) -> Started:
    """Return the start's record, with the basis of decisions. `approved`: None in a demo."""
    embedder, threshold = embedder_of(config)
    return Started(
        purpose=config.purpose,
        lists="",
        rules=msgspec.to_builtins(config.rules),
        face=FaceSettings(
            profile=config.face.profile,
            model=embedder.name,
            sha256=embedder.sha256,
            threshold=threshold.value,
            fmr=threshold.fmr,
            kind=threshold.kind,
            evidence=threshold.evidence,
        ),
        approval=_approval(config, approved),
        officers="" if config.officers is None else config.officers.authority,
        mode=config.mode,
        recipients=tuple(sorted({sha256(one.encode()).hexdigest() for one in config.audit.recipients})),
        profile=config.audit.profile,
        registers=() if config.registers is None else tuple(one.name for one in config.registers.required),
    )


def stated(written: Written) -> tuple[RulesStated, ...]:
    """Return the written rules as records, in as many parts as needed; none without rules."""
    text, rule_set = written.text, written.rule_set
    pieces = [text[at : at + RULES_TEXT_MAX] for at in range(0, len(text), RULES_TEXT_MAX)]
    return tuple(
        RulesStated(rule_set.version, rule_set.sha256, part, len(pieces), piece)
        for part, piece in enumerate(pieces, start=1)
    )


def _approval(config: Config, approved: Approved | None) -> ApprovalSettings:
    if approved is None:
        return ApprovalSettings(digest(basis_of(config)), (), {})
    authority = approved.approvers.authority
    return ApprovalSettings(
        sha256=approved.approval.sha256,
        persons=approved.signers,
        keys={key.name: key.vkey for key in approved.approvers.keys},
        serial=approved.approval.serial,
        authority="" if authority is None else authority.vkey,
    )
