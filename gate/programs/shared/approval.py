"""Reads and verifies the approval of the gate's configuration.

`approvers.toml` lists the approvers; `approval.note` has their signatures (docs/protocols/approval.md). In `trial` and
`service` the lane does not start without them; a `demo` needs neither.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gate.channel import log_messages
from gate.programs.shared.basis import basis_of
from gate.programs.shared.config import Config
from gate.programs.shared.system_card import require_card
from gate_core import durable
from gate_core.approval.approvers import SIGNERS_MIN, Approvers, approvers_in
from gate_core.approval.canonical import digest
from gate_core.approval.errors import ApprovalError
from gate_core.approval.note import NOTE_BYTES_MAX, SERIAL_MAX, Approval, Before, SignedApproval, signers_of
from gate_core.ordinary import read_ordinary
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import Problem
from models.site import FILE


@dataclass(frozen=True, slots=True)
class Approved:
    """The approval in force, the approvers who signed it, and all approvers."""

    approval: Approval
    signers: tuple[str, ...]
    approvers: Approvers


def approved(config: Config, before: Before | None = None) -> Approved | None:
    """Verify the configuration's approval; None for a demo. `before`: the approval at the last start.

    Raises ConfigError, whose line has the cause, and the digest, gate and serial that two approvers must sign.
    """
    if config.purpose == "demo":
        return None
    approvers = approvers_in(config.approvers_path)
    sha256 = digest(basis_of(config))
    signed = None
    try:
        signed = signed_in(config.approval_path)
        signers = signed.require(origin=config.origin, sha256=sha256, approvers=approvers, before=before)
    except (ApprovalError, OSError) as error:
        serial = _next_serial(config.origin, sha256, approvers, signed, before)
        why = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
        must = f"gate {config.origin}, serial {serial}, digest {sha256}"
        words = f"{why}; {SIGNERS_MIN} of {config.approvers_path} must sign: {must}"
        raise ConfigError(Problem("", words, str(config.approval_path))) from error
    return Approved(signed.approval, signers, approvers)


def before_of(told: log_messages.Approved | None) -> Before | None:
    """Return the last start's approval from the log, None if it has none. Raises ConfigError for bad approvers."""
    if told is None:
        return None
    try:
        return Before(told.serial, told.sha256, Approvers.from_bytes(told.approvers))
    except ApprovalError as error:
        why = f"the approvers of serial {told.serial} cannot be read: {error}"
        raise ConfigError(Problem("", why, "the log")) from error


def signed_in(path: Path) -> SignedApproval:
    """Read an approval note, without verifying it. Raises ApprovalError and OSError."""
    return SignedApproval.parse(read_ordinary(path, NOTE_BYTES_MAX))


def _next_serial(
    origin: str, sha256: str, approvers: Approvers, signed: SignedApproval | None, before: Before | None
) -> int:
    """Return the serial to sign for this digest: the note's own if it is unused, else one more than any known.

    A note without two valid signatures is ignored, since anyone could use up the serials with it.
    """
    known = 0 if before is None else before.serial
    if signed is not None and signed.approval.origin == origin and _is_signed(signed, approvers):
        if signed.approval.sha256 == sha256 and signed.approval.serial > known:
            return signed.approval.serial
        known = max(known, signed.approval.serial)
    return min(known + 1, SERIAL_MAX)


def _is_signed(signed: SignedApproval, approvers: Approvers) -> bool:
    try:
        return len(signers_of(signed.note, approvers.keys)) >= SIGNERS_MIN
    except ApprovalError:
        return False


def install(
    config: Config, note: Path, *, approvers: Path | None, staged: Path | None, path: Path, today: date
) -> Approved:
    """Install an approval note, and the approvers and configuration that it approves, unless the card has blanks.

    `config`: the approved configuration, read from `staged` if that replaces `path`. The installed files count as those
    before. Raises ConfigError, with nothing changed, if the lane would not start with it; OSError: try again.
    """
    require_card(config, today)
    named = approvers or config.approvers_path
    who, sha256 = approvers_in(named), digest(basis_of(config, named))
    try:
        signed = signed_in(note)
        signers = signed.require(origin=config.origin, sha256=sha256, approvers=who, before=_in_force(config))
    except ApprovalError as error:
        raise ConfigError(Problem("", str(error), str(note))) from error
    # The note last: until then the lane does not start with the new files.
    for source, place in ((approvers, config.approvers_path), (staged, path), (note, config.approval_path)):
        if source is not None and source.resolve() != place.resolve():
            durable.write(place, source.read_bytes())
            durable.sync(place, mode=0o644)  # independent of root's umask: the lane's user must read it
    return Approved(signed.approval, signers, who)


def _in_force(config: Config) -> Before | None:
    """Return the installed approval of this gate; None if it is missing or invalid."""
    try:
        signed = signed_in(config.approval_path)
        before = Before(signed.approval.serial, signed.approval.sha256, approvers_in(config.approvers_path))
    except (ApprovalError, ConfigError, OSError):
        return None
    return before if signed.approval.origin == config.origin else None


def unsafe_files(config: Config, path: Path) -> list[Problem]:
    """Return, in service, the files that decisions depend on and that users other than root can write or replace."""
    if config.purpose != "service":
        return []
    devices = (config.barrier, config.first_barrier, config.sensors, config.swipe, config.camera.pad)
    named = [getattr(device, "profile", "") for device in devices]
    vouching = [getattr(camera, "authorities", "") for camera in (config.camera, config.page)]
    files = [
        path,
        config.approvers_path,
        config.approval_path,
        Path(config.paths.models) / FILE,
        *([Path(config.card)] if config.card else []),
        *([Path(config.rules.written)] if config.rules.written else []),
        *([Path(config.lists.signer)] if config.lists and config.lists.signer else []),
        *([Path(config.console.certificates)] if config.console else []),
        *(Path(one) for one in named if one.startswith("/")),
        *(Path(one) for one in vouching if one),
    ]
    found = [(file, *held) for file in files if (held := _writer_of(file)) is not None]
    words = "purpose = service refuses: {} can write {}"
    return [Problem("", words.format(who, place), str(file)) for file, place, who in found]


def require_safe_files(config: Config, path: Path) -> None:
    """Raise ConfigError in service if there are `unsafe_files`."""
    if found := unsafe_files(config, path):
        raise ConfigError(*found)


def _writer_of(file: Path) -> tuple[Path, str] | None:
    """Return the first of a file and its parent folders that others than root can write, and who. Resolves links."""
    try:
        real = file.resolve(strict=True)
    except OSError:
        return None  # an unreadable file is reported where it is read
    for place in (real, *real.parents):
        held = place.stat()
        if held.st_uid != 0:
            return place, f"user {held.st_uid}"
        sticky = stat.S_ISDIR(held.st_mode) and held.st_mode & stat.S_ISVTX
        if held.st_mode & 0o022 and not sticky:
            return place, "not only root"
    return None
