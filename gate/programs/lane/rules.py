"""What a lane's configuration asks of its decisions: the policy, the timing, and the threshold that faces are held to."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from drivers.toml_file import Problem
from gate.document.countries import is_state_code
from gate.passage.evidence import Score
from gate.passage.lane import Timing
from gate.passage.machine import Rules
from gate.passage.policy import NoChipAuthentication, Policy
from gate.passage.records import ApprovalSettings, FaceSettings, Started
from gate.passage.serving import EU, EVERYBODY, Service, Travellers
from gate.programs.shared.config import ConfigError
from gate.rules.approval import PERSONS_MIN, Approval, digest, persons
from models.errors import ManifestError
from models.site import load_for

if TYPE_CHECKING:
    from gate.programs.shared.config import Config
    from models.manifest import Model, Threshold


def rules_of(config: Config) -> Rules:
    """The policy, the timing and the service that the configuration asks for.

    Raises ConfigError for a profile or a nationality that is not known, and in service for settings that fewer than two persons have approved.
    """
    rules = config.rules
    _require_approval(config)
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
        two_doors=config.first_driven is not None,
        shadow=config.driven is None,
    )
    timing = Timing(grant_ttl_ms=rules.grant_ttl_ms, crossing_max_ms=rules.crossing_limit_s * 1000)
    return Rules(policy, timing, service_of(config))


def service_of(config: Config) -> Service:
    """What the lane may serve. Raises ConfigError for letters that no MRZ has for a nationality."""
    groups = []
    for name, group in config.rules.travellers.items():
        if unknown := [code for code in group.nationalities if not is_state_code(code)]:
            wrong = f"{', '.join(unknown)} is no nationality of an MRZ (ICAO 9303-3 §5)"
            raise ConfigError(Problem(f"rules.travellers.{name}", wrong))
        groups.append(Travellers(name, group.nationalities))
    return Service(config.rules.directions, (EVERYBODY, EU, *groups))


def embedder_of(config: Config) -> tuple[Model, Threshold]:
    """The embedder that compares faces, and its threshold, which rests on evidence; no rule goes below it.

    Raises ConfigError for a profile that cannot serve, in service also for one without evidence of its own kind (safety
    invariant 14).
    """
    try:
        profile = load_for(Path(config.paths.models)).profile(config.face.profile)
        (embedder,) = (model for model in profile if model.role == "embed")
    except (ManifestError, ValueError) as error:
        raise ConfigError(Problem("face.profile", str(error))) from error
    if embedder.threshold is None:
        raise ConfigError(Problem("face.profile", "its embedder has no threshold; gate face evaluate gives it one"))
    if config.purpose == "service" and embedder.threshold.kind != "chip_to_live":
        raise ConfigError(
            Problem(
                "face.profile",
                "purpose = service refuses: its threshold rests on other pictures than chip portraits against this lane's camera; see "
                "docs/guides/technician.md",
            )
        )
    return embedder, embedder.threshold


def start_of(config: Config, lists: str) -> Started:
    """What decisions will rest on, as the record of the start: a changed rule or threshold shows there, and who approved it.

    `lists` is the trust store's version.
    """
    signed = digest(_settings(config))
    return Started(
        purpose=config.purpose,
        lists=lists,
        rules=msgspec.to_builtins(config.rules),
        face=_face(config),
        approval=ApprovalSettings(signed, persons(signed, _approvals(config)), _keys(config)),
        officers=_officers(config),
        mode=config.mode,
    )


def _face(config: Config) -> FaceSettings:
    embedder, threshold = embedder_of(config)
    return FaceSettings(
        profile=config.face.profile,
        model=embedder.name,
        sha256=embedder.sha256,
        threshold=threshold.value,
        fmr=threshold.fmr,
        kind=threshold.kind,
        evidence=threshold.evidence,
    )


def _settings(config: Config) -> dict[str, object]:
    """What is approved: the `rules`, the `face`, the `officers` and the `mode` of the record of the start."""
    return {
        "mode": config.mode,
        "rules": msgspec.to_builtins(config.rules),
        "face": msgspec.to_builtins(_face(config)),
        "officers": _officers(config),
    }


def _officers(config: Config) -> str:
    """The key of the authority whose officers are obeyed; empty: there are none."""
    return "" if config.officers is None else config.officers.authority


def _require_approval(config: Config) -> None:
    """In service two persons stand behind the settings, or the lane does not start. Raises ConfigError with what they have to sign."""
    signed = digest(_settings(config))
    known = persons(signed, _approvals(config))
    if config.purpose == "service" and len(known) < PERSONS_MIN:
        approved = f"rules, threshold and officers are approved by {' and '.join(known) or 'nobody'}"
        raise ConfigError(
            Problem(
                "approval",
                f"purpose = service refuses: {approved}; {PERSONS_MIN} persons must sign {signed}, see docs/guides/technician.md",
            )
        )


def _approvals(config: Config) -> list[Approval]:
    return [Approval(one.name, b64decode(one.key), b64decode(one.signature)) for one in config.approval]


def _keys(config: Config) -> dict[str, str]:
    return {one.name: one.key for one in config.approval}
