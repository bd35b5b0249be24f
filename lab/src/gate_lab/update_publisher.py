"""The operator's repository of updates: creates, extends, signs and renews it, on the operator's machines, which no gate can reach.

A signer brings only the keys of one role. A file with too few signatures waits in `drafts/` for the next person. Versions only rise, and
`timestamp.json` is written last, so that a gate sees the repository before or after the change. Keys are Ed25519, PKCS8 in PEM, one a file.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import msgspec
from securesystemslib.signer import CryptoSigner, Key, SSlibKey
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from gate.updates.errors import RefusedError, UpdateError
from gate.updates.layout import ARCHIVE_BYTES_MAX, METADATA, TARGETS, THRESHOLD_MIN, Custom, Here, Kind, offer_of
from gate_core import durable
from gate_core.orders.errors import MalformedError
from gate_core.orders.keys import read_key

DRAFTS: Final = "drafts"
ROOT_KEYS: Final = 3
ROOT_THRESHOLD: Final = 2
# Days until metadata have expired and a gate believes nothing new any more. Online roles are renewed by a timer, every day.
EXPIRES_DAYS: Final = {
    "root": 365,
    "targets": 365,
    **{kind.value: 365 for kind in Kind},
    "snapshot": 14,
    "timestamp": 14,
}
ONLINE: Final = ("snapshot", "timestamp")
_KINDS: Final = frozenset(kind.value for kind in Kind)
_KEY_BYTES_MAX: Final = 16 * 1024
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
_ZIP_FILE: Final = 0o100644 << 16


class RepositoryError(UpdateError):
    """The operator's repository, keys or arguments do not fit together."""


AnyRole = Root | Targets | Snapshot | Timestamp
Signed = TypeVar("Signed", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for a role: its version, and how many signatures are missing before gates may see it."""

    role: str
    version: int
    missing: int


@contextmanager
def _refused(what: str, path: Path) -> Iterator[None]:
    """Raise RepositoryError for a file that the system refuses; `what` has its name in braces."""
    try:
        yield
    except OSError as error:
        raise RepositoryError(f"{what.format(error.filename or path)}: {error.strerror}") from error


def make_key(path: Path) -> str:
    """Write a new private key, mode 0600, and its public half beside it as `.pub`; returns the key's id. Raises RepositoryError."""
    signer = CryptoSigner.generate_ed25519()
    public = {"keyid": signer.public_key.keyid, **signer.public_key.to_dict()}
    with _refused("cannot write {}", path):
        durable.write(path, signer.private_bytes, mode=0o600, new_only=True)
        durable.write(path.with_suffix(".pub"), json.dumps(public).encode() + b"\n", new_only=True)
    return str(signer.public_key.keyid)


def read_public(path: Path) -> SSlibKey:
    """Return a person's public key. Raises RepositoryError."""
    with _refused("{} cannot be read", path):
        raw = path.read_bytes()[:_KEY_BYTES_MAX]
    try:
        said = json.loads(raw)
        key = Key.from_dict(said.pop("keyid"), said)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RepositoryError(f"{path} is no public key of gate update publish key") from error
    if not isinstance(key, SSlibKey) or key.keytype != "ed25519":
        raise RepositoryError(f"{path} is no Ed25519 key")
    return key


def read_keys(folder: Path) -> list[CryptoSigner]:
    """Return every private key in a folder, `*.pem`. Raises RepositoryError."""
    with _refused("{} cannot be read", folder):
        files = {path: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix == ".pem"}
    signers = []
    for path, text in files.items():
        try:
            signers.append(CryptoSigner(read_key(text)))
        except MalformedError as error:
            raise RepositoryError(f"{path} is {error}") from error
    return signers


class Repository:
    """One repository's folder. Every method raises RepositoryError."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder = folder
        self._now = now.replace(microsecond=0)

    def init(self, keys: Path, approvers: Sequence[SSlibKey]) -> list[Outcome]:
        """Make a new repository. Its keys are made in `keys`; the configuration's approvers bring their own."""
        if self._versions("root"):
            raise RepositoryError(f"{self._folder} holds a repository already")
        if len({key.keyval["public"] for key in approvers}) < THRESHOLD_MIN[Kind.CONFIGURATION]:
            raise RepositoryError("a configuration needs the keys of two persons at least")
        with _refused("cannot make {}", keys):
            for name in (METADATA, TARGETS, DRAFTS):
                durable.make_folder(self._folder / name)
            durable.make_folder(keys, mode=0o700)
        own = [kind.value for kind in Kind if kind is not Kind.CONFIGURATION]
        for name in (*(f"root-{one}" for one in range(1, ROOT_KEYS + 1)), "targets", *own, *ONLINE):
            make_key(keys / f"{name}.pem")
        public = {path.stem: read_public(path) for path in keys.glob("*.pub")}
        root = Root(expires=self._expires("root"), consistent_snapshot=True)
        for number in range(1, ROOT_KEYS + 1):
            root.add_key(public[f"root-{number}"], "root")
        root.roles["root"].threshold = ROOT_THRESHOLD
        for name in ("targets", *ONLINE):
            root.add_key(public[name], name)
        holders = {name: [public[name]] for name in own} | {Kind.CONFIGURATION.value: list(approvers)}
        targets = Targets(expires=self._expires("targets"), delegations=_delegations(holders))
        signers = read_keys(keys)
        outcomes = [self._offer("root", root, signers), self._offer("targets", targets, signers)]
        outcomes += [self._offer(name, Targets(expires=self._expires(name)), signers) for name in own]
        return outcomes + self.renew(ONLINE, signers)

    def add(
        self,
        kind: Kind,
        archive: Path,
        signers: Sequence[CryptoSigner],
        *,
        name: str,
        machine: str,
        python: str,
        gate: str,
    ) -> Outcome:
        """Publish an archive as the next number of its kind: for a machine and Python, for a gate, or for all."""
        here = Here(gate, machine, python)
        path = here.path_of(kind)
        role = kind.value
        newest = self._newest(role, Targets) if self._versions(role) else Targets(expires=self._expires(role))
        before = newest.targets.get(path)
        if self._draft(role).exists():
            raise RepositoryError(f"{self._draft(role)} waits for signatures: sign it, or remove it")
        with _refused("{} cannot be read", archive):
            target = TargetFile.from_file(path, str(archive), ["sha256"])
        custom = Custom(
            number=1 if before is None else msgspec.convert(before.custom, Custom).number + 1,
            name=name,
            machine=machine if kind is Kind.SOFTWARE else "",
            python=python if kind is Kind.SOFTWARE else "",
            gate=gate if kind is Kind.CONFIGURATION else "",
        )
        target.unrecognized_fields["custom"] = msgspec.to_builtins(custom)
        try:
            offer = offer_of(kind, here, size_bytes=target.length, hashes=target.hashes, custom=target.custom)
        except RefusedError as error:
            raise RepositoryError(f"no gate would take it: {error}") from error
        place = self._folder / offer.file
        with _refused("cannot write {}", place):
            durable.make_folder(place.parent)
            with archive.open("rb") as source, durable.writing(place) as file:
                shutil.copyfileobj(source, file, 1 << 20)
        newest.targets[path] = target
        return self._next(role, newest, signers)

    def renew(self, roles: Iterable[str], signers: Sequence[CryptoSigner]) -> list[Outcome]:
        """Publish each role again with another expiry; a snapshot lists the current versions."""
        made: Mapping[str, Callable[[], AnyRole]] = {
            "root": lambda: self._newest("root", Root),
            "snapshot": self._snapshot,
            "timestamp": self._timestamp,
        }
        outcomes = []
        for role in roles:
            _expect_role(role)
            signed = made[role]() if role in made else self._newest(role, Targets)
            outcomes.append(self._next(role, signed, signers))
        return outcomes

    def sign(self, role: str, signers: Sequence[CryptoSigner]) -> Outcome:
        """Sign the draft of a role. The last signature that it needs publishes it."""
        _expect_role(role)
        try:
            waiting = Metadata[Any].from_bytes(self._draft(role).read_bytes())
        except OSError as error:
            raise RepositoryError(f"nothing of {role} waits for signatures: {self._draft(role)}") from error
        except TufError as error:
            raise RepositoryError(f"{self._draft(role)} is no metadata: {error}") from error
        return self._signed(role, waiting, signers)

    def waiting(self, role: str) -> dict[str, object]:
        """Return the draft that waits for signatures, as it will be signed, for the signers to read."""
        try:
            said: dict[str, object] = json.loads(self._draft(role).read_bytes())["signed"]
        except (OSError, ValueError, KeyError) as error:
            raise RepositoryError(f"nothing of {role} waits for signatures: {self._draft(role)}") from error
        return said

    def _next(self, role: str, signed: AnyRole, signers: Sequence[CryptoSigner]) -> Outcome:
        signed.version = max(self._versions(role), default=0) + 1
        signed.expires = self._expires(role)
        return self._offer(role, signed, signers)

    def _offer(self, role: str, signed: AnyRole, signers: Sequence[CryptoSigner]) -> Outcome:
        return self._signed(role, Metadata[Any](signed), signers)

    def _signed(self, role: str, metadata: Metadata[Any], signers: Sequence[CryptoSigner]) -> Outcome:
        """Sign with those keys that belong to the role; publish the file, or keep it for other signers."""
        keyids = self._keyids(role, metadata.signed)
        for signer in signers:
            if signer.public_key.keyid in keyids:
                metadata.sign(signer, append=True)
        version = metadata.signed.version
        missing = self._missing(role, metadata)
        if not metadata.signatures:
            raise RepositoryError(f"none of these keys is of the role {role}")
        with _refused("cannot write {}", self._folder):
            if missing:
                durable.write(self._draft(role), metadata.to_bytes())
            else:
                name = "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"
                durable.write(self._folder / METADATA / name, metadata.to_bytes())
                self._draft(role).unlink(missing_ok=True)
        return Outcome(role, version, missing)

    def _keyids(self, role: str, signed: AnyRole) -> set[str]:
        if isinstance(signed, Root):
            former = self._newest("root", Root).roles["root"].keyids if self._versions("root") else []
            return {*signed.roles["root"].keyids, *former}
        return set(self._delegator(role).get_delegated_role(role).keyids)

    def _delegator(self, role: str) -> Root | Targets:
        return self._newest("targets", Targets) if role in _KINDS else self._newest("root", Root)

    def _missing(self, role: str, metadata: Metadata[Any]) -> int:
        payload, signatures = metadata.signed_bytes, metadata.signatures
        if isinstance(metadata.signed, Root):
            former = self._newest("root", Root) if self._versions("root") else metadata.signed
            return max(
                one.get_verification_result("root", payload, signatures).missing for one in (former, metadata.signed)
            )
        return self._delegator(role).get_verification_result(role, payload, signatures).missing

    def _snapshot(self) -> Snapshot:
        meta = {
            f"{role}.json": self._meta(role, max(self._versions(role)))
            for role in ("targets", *sorted(_KINDS))
            if self._versions(role)
        }
        return Snapshot(expires=self._expires("snapshot"), meta=meta)

    def _timestamp(self) -> Timestamp:
        newest = max(self._versions("snapshot"), default=0)
        if not newest:
            raise RepositoryError("there is no snapshot yet: renew it first")
        return Timestamp(expires=self._expires("timestamp"), snapshot_meta=self._meta("snapshot", newest))

    def _meta(self, role: str, version: int) -> MetaFile:
        return MetaFile.from_data(version, self._read(f"{version}.{role}.json"), ["sha256"])

    def _newest(self, role: str, kind: type[Signed]) -> Signed:
        version = max(self._versions(role), default=0)
        if not version:
            raise RepositoryError(f"{self._folder} holds no {role}: run gate update publish init")
        name = f"{version}.{role}.json" if role != "timestamp" else "timestamp.json"
        signed = self._parsed(name)
        if not isinstance(signed, kind):
            raise RepositoryError(f"{name} is no {role}")
        return signed

    def _versions(self, role: str) -> list[int]:
        """Return the published versions of a role."""
        folder = self._folder / METADATA
        if role == "timestamp":
            if not (folder / "timestamp.json").exists():
                return []
            return [self._parsed("timestamp.json").version]
        names = re.compile(rf"([1-9][0-9]*)\.{role}\.json")
        try:
            found = [names.fullmatch(path.name) for path in folder.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RepositoryError(f"{folder} cannot be read: {error.strerror}") from error
        return [int(one[1]) for one in found if one is not None]

    def _parsed(self, name: str) -> AnyRole:
        try:
            return cast("AnyRole", Metadata[Any].from_bytes(self._read(name)).signed)
        except TufError as error:
            raise RepositoryError(f"{name} is no metadata: {error}") from error

    def _read(self, name: str) -> bytes:
        with _refused("{} cannot be read", path := self._folder / METADATA / name):
            return path.read_bytes()

    def _draft(self, role: str) -> Path:
        return self._folder / DRAFTS / f"{role}.json"

    def _expires(self, role: str) -> datetime:
        return self._now + timedelta(days=EXPIRES_DAYS[role])


def _expect_role(role: str) -> None:
    if role not in EXPIRES_DAYS:
        raise RepositoryError(f"no role {role}: one of {', '.join(EXPIRES_DAYS)}")


def _delegations(holders: Mapping[str, Sequence[SSlibKey]]) -> Delegations:
    keys = {key.keyid: cast("Key", key) for held in holders.values() for key in held}
    roles = {
        kind.value: DelegatedRole(
            kind.value,
            [key.keyid for key in holders[kind.value]],
            THRESHOLD_MIN[kind],
            terminating=True,
            paths=[f"{kind.value}/*"],
        )
        for kind in Kind
    }
    return Delegations(keys, roles)


def pack(folder: Path, archive: Path, kind: Kind) -> None:
    """Make the archive of a folder: the same bytes for the same files. Raises RepositoryError."""
    try:
        files = sorted(path for path in folder.rglob("*") if not path.is_dir())
        with durable.writing(archive) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as into:
            for path in files:
                if path.is_symlink() or not path.is_file():
                    raise RepositoryError(f"{path} is no ordinary file, and nothing else may be in an update")
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _ZIP_TIME)
                entry.external_attr, entry.compress_type = _ZIP_FILE, zipfile.ZIP_DEFLATED
                with path.open("rb") as source, into.open(entry, "w", force_zip64=True) as member:
                    shutil.copyfileobj(source, member, 1 << 20)
            if out.tell() > ARCHIVE_BYTES_MAX[kind]:
                raise RepositoryError(f"{folder} makes an archive of more than {ARCHIVE_BYTES_MAX[kind]} bytes")
    except OSError as error:
        raise RepositoryError(f"{error.filename or folder}: {error.strerror}") from error
