"""The log's key, in a file or sealed: makes it, returns its public half, signs with it, and replaces it by a new one.

A new key is made beside the old one, which hands over to it, and then replaces it. The log program writes the handover when it
starts (`gate.audit.writer`); only then is the old key deleted. A kill at any point leaves the key that is in force in a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gate.device_certificate.credentials import LOG_KEY, CredentialError, opened
from gate.programs.shared.config import Config
from gate.provision.site import hand_over
from gate.provision.steps import LaterStepError, Step, StepError, step_errors
from gate_core import durable
from gate_core.audit_format import keys
from gate_core.audit_format.errors import AuditError, BadFormatError, BadSignatureError
from gate_core.audit_format.export import Outlet
from gate_core.audit_format.note import Signer
from gate_core.audit_format.statements import Handover

NEXT: Final = "log-next.key"
ASIDE: Final = "log-old.key"  # a second name of the old key, until it is overwritten


def make_key(path: Path, origin: str) -> str:
    """Make a key and return its public half. Raises StepError."""
    with step_errors(AuditError):
        return keys.generate(path, origin).vkey


def publish(path: Path, origin: str) -> None:
    """Write a key's public half beside it, for when it is sealed. Raises StepError."""
    with step_errors(AuditError):
        keys.publish(path.with_suffix(".vkey"), keys.load_public(path, origin))


def vkey_of(path: Path, origin: str) -> str:
    """The public half of a key. Raises StepError."""
    with step_errors(AuditError):
        return keys.load_public(path, origin).vkey


def log_vkey(config: Config) -> str:
    """The public half of the log's key. Raises StepError."""
    return vkey_of(Path(config.paths.keys) / LOG_KEY.name, config.origin)


def fingerprint(vkey: str) -> str:
    """Return what two people compare by telephone: the first 16 bytes of the line's SHA-256, in groups of four digits."""
    digits = hashlib.sha256(vkey.encode()).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def signer_of(folder: Path, origin: str) -> Signer:
    """Return the log's key from a folder of keys. Only root can open a sealed one, on the machine that sealed it. Raises StepError."""
    plain, sealed = folder / LOG_KEY.name, LOG_KEY.sealed(folder)
    with step_errors(AuditError):
        if plain.exists() or not sealed.exists():
            return keys.load(plain, origin)
        try:
            raw = opened(LOG_KEY, folder)
        except CredentialError as error:
            why = f"{sealed} cannot be opened to sign ({error}): do it as root, on the machine that sealed it"
            raise StepError(why) from error
        return keys.parsed(raw, sealed, origin)


def rotation(config: Config) -> Iterator[Step]:
    """Yield the steps that give a gate's log a new key."""
    folder, origin = Path(config.paths.keys), config.origin
    old, new, aside = folder / LOG_KEY.name, folder / NEXT, folder / ASIDE

    def make_next() -> str:
        if (sealed := LOG_KEY.sealed(folder)).exists():
            raise StepError(
                f"{sealed} is sealed: open it into {old} (systemd-creds decrypt), remove it and its drop-in, and seal again afterwards"
            )
        with step_errors(OSError, doing=f"cannot remove {aside}"):
            _drop(aside, old)
        vkey = make_key(new, origin)
        hand_over(new, "log")
        return vkey

    def is_handed_over() -> str:
        with step_errors(OSError, BadFormatError, BadSignatureError, doing="the spool's handovers cannot be read"):
            words = Outlet(Path(config.paths.spool)).handovers()
            newest = Handover.parse(words[-1]).new.vkey if words else None
        if newest != vkey_of(new, origin):
            raise LaterStepError("restart gate-log: the old key hands over as it starts; then repeat this command")
        return "the old key has handed over"

    def replace() -> str:
        vkey = vkey_of(new, origin)
        with step_errors(OSError, doing=f"cannot replace {old}"):
            durable.write(folder / "log.vkey", vkey.encode() + b"\n", mode=0o644)
            _drop(aside, old)
            aside.hardlink_to(old)
            new.replace(old)
            durable.sync(folder)
            _drop(aside, old)
        return f"give every auditor the new key beside the old one: {vkey}"

    yield Step("next_key", make_next, new.exists)
    yield Step("handover", is_handed_over)
    yield Step("log_key", replace)


def _drop(aside: Path, old: Path) -> None:
    """Overwrite the replaced key, unless it is the key in force under a second name. Raises OSError."""
    if aside.exists() and aside.samefile(old):
        aside.unlink()
    durable.wipe(aside)
