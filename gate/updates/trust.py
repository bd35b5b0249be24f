"""Verifies a repository: its metadata against a first root, the roles known to this project, and what was seen before.

python-tuf implements the TUF specification, and reads the wall clock for expiry. Added here: the delegations are exactly the four kinds
with their thresholds, no role has another's targets, and no role that is signed offline is ever older than one that was seen (`Seen`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from securesystemslib.signer import SSlibKey
from tuf.api import exceptions
from tuf.api.metadata import DelegatedRole, Key, Metadata, TargetFile, Targets
from tuf.api.serialization.json import JSONDeserializer
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from gate.updates.errors import OldError, RefusedError, SourceAwayError, UpdateError
from gate.updates.layout import METADATA, TARGETS, THRESHOLD_MIN, Here, Kind, Offer, offer_of
from gate.updates.sources import Source

# Of metadata, in bytes; a stranger's disk is not filled and a gate's memory neither.
LENGTHS: Final = UpdaterConfig(
    max_root_rotations=256,
    max_delegations=8,
    root_max_length=64 << 10,
    timestamp_max_length=16 << 10,
    snapshot_max_length=64 << 10,
    targets_max_length=1 << 20,
)
_JSON: Final = JSONDeserializer()  # loaded early: the verifying process may lose the right to read the libraries
_OFFLINE: Final = ("targets", *(kind.value for kind in Kind))

logging.getLogger("tuf").setLevel(logging.WARNING)
logging.getLogger("securesystemslib").setLevel(logging.WARNING)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The newest that was ever verified: a version per role, and a target's number per kind."""

    versions: dict[str, int] = {}
    numbers: dict[str, int] = {}

    def with_(self, verified: Verified) -> Seen:
        """Return it updated with what was verified now."""
        numbers = {kind.value: offer.number for kind, offer in verified.offers.items()}
        return Seen(versions={**self.versions, **verified.versions}, numbers={**self.numbers, **numbers})


@dataclass(frozen=True, slots=True)
class Verified:
    """A verified repository: its offers to this gate, its roles' versions, the first expiry, and its files of metadata."""

    offers: Mapping[Kind, Offer]
    versions: Mapping[str, int]
    expires: datetime
    metadata: Mapping[str, bytes] = field(repr=False)


def verify(source: Source, *, first_root: bytes, memory: Path, here: Here, seen: Seen) -> Verified:
    """Verify a source's content. `memory`: python-tuf's own folder, written by nothing else.

    Raises RefusedError, OldError, SourceAwayError, and OSError when the memory cannot be written.
    """
    try:
        updater = Updater(
            str(memory),
            METADATA,
            target_base_url=TARGETS,
            fetcher=_Fetcher(source),
            config=LENGTHS,
            bootstrap=first_root,
        )
        updater.refresh()
        targets = _read(memory, "targets")
        snapshot = _read(memory, "snapshot").signed.meta
        offers, signed = {}, {"targets": targets.signed}
        _expect_our_roles(targets.signed)
        for kind in Kind:
            if f"{kind.value}.json" not in snapshot:
                continue  # nothing was published under it yet
            target = updater.get_targetinfo(here.path_of(kind))
            signed[kind.value] = _read(memory, kind.value).signed
            if target is not None:
                offers[kind] = _offer(kind, here, signed[kind.value], target)
        for role in ("root", "timestamp", "snapshot"):
            signed[role] = _read(memory, role).signed
    except exceptions.ExpiredMetadataError as error:
        raise OldError(f"it has expired: {error}; ask the operator for a newer one") from error
    except exceptions.BadVersionNumberError as error:
        raise OldError(f"it is older than what was seen before: {error}") from error
    except exceptions.RepositoryError as error:
        raise RefusedError(f"its metadata do not hold: {error}") from error
    except exceptions.DownloadLengthMismatchError as error:
        raise RefusedError(f"its metadata are too long: {error}") from error
    except exceptions.DownloadError as error:
        if isinstance(error.__cause__, UpdateError):
            raise error.__cause__ from None  # the source's own words
        raise SourceAwayError(f"its metadata are not all there: {error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # What a stranger's JSON makes python-tuf stumble over is no metadata.
        raise RefusedError(f"its metadata are malformed: {type(error).__name__}") from error
    versions = {role: one.version for role, one in signed.items()}
    _expect_nothing_older(versions, offers, seen)
    return Verified(offers, versions, min(one.expires for one in signed.values()), _files(memory, versions))


class _Fetcher(FetcherInterface):  # type: ignore[misc, unused-ignore]
    """Lets python-tuf read from a source."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def _fetch(self, url: str) -> Iterator[bytes]:
        chunks = self._source.read(url)
        if chunks is None:
            raise exceptions.DownloadHTTPError(f"{url} is not there", 404)
        return chunks


def _read(memory: Path, role: str) -> Metadata[Any]:
    """Return a role's metadata that python-tuf has verified."""
    return Metadata[Any].from_bytes((memory / f"{role}.json").read_bytes(), _JSON)


def _files(memory: Path, versions: Mapping[str, int]) -> dict[str, bytes]:
    """Return the metadata as in a repository; every root leads to the next."""
    files = {f"{METADATA}/{path.name}": path.read_bytes() for path in (memory / "root_history").iterdir()}
    for role, version in versions.items():
        name = "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"
        files[f"{METADATA}/{name}"] = (memory / f"{role}.json").read_bytes()
    return files


def _expect_our_roles(targets: Targets) -> None:
    """Require that the top role delegates to the four kinds and has no target of its own."""
    delegations = targets.delegations
    if targets.targets:
        raise RefusedError("the role targets has targets of its own; they are the delegated roles'")
    if delegations is None or delegations.roles is None or set(delegations.roles) != {kind.value for kind in Kind}:
        raise RefusedError(f"the delegated roles are not {', '.join(kind.value for kind in Kind)}")
    for kind in Kind:
        _expect_our_role(kind, delegations.roles[kind.value], delegations.keys)


def _expect_our_role(kind: Kind, role: DelegatedRole, known: Mapping[str, Key]) -> None:
    if role.paths != [f"{kind.value}/*"] or role.threshold < THRESHOLD_MIN[kind]:
        raise RefusedError(f"the role {kind.value} is not for {kind.value}/* with {THRESHOLD_MIN[kind]} keys")
    # Two names for one key are one person.
    keys = [known[keyid] for keyid in role.keyids]
    if not all(isinstance(key, SSlibKey) and key.keytype == "ed25519" for key in keys):
        raise RefusedError(f"the role {kind.value} names a key that is no Ed25519 key")
    if len({key.keyval["public"] for key in keys}) < len(keys):
        raise RefusedError(f"the role {kind.value} names a key twice")


def _offer(kind: Kind, here: Here, role: Targets, target: TargetFile) -> Offer:
    """Require that the kind's own role has the target, without a further delegation."""
    if role.delegations is not None or role.targets.get(target.path) != target:
        raise RefusedError(f"{target.path} is not the role {kind.value}'s own")
    return offer_of(kind, here, size_bytes=target.length, hashes=target.hashes, custom=target.custom)


def _expect_nothing_older(versions: Mapping[str, int], offers: Mapping[Kind, Offer], seen: Seen) -> None:
    """Offline roles must never go back. Roles of stolen online keys may, under a newer root (TUF §5.3.11)."""
    has_newer_root = versions["root"] > seen.versions.get("root", 0)
    bound = ("root", *_OFFLINE) if has_newer_root else ("root", "timestamp", "snapshot", *_OFFLINE)
    for role in bound:
        if role in seen.versions and versions.get(role, 0) < seen.versions[role]:
            raise OldError(f"{role} is version {versions.get(role, 0)}, and {seen.versions[role]} was seen before")
    for kind in Kind:
        number, before = offers[kind].number if kind in offers else 0, seen.numbers.get(kind.value, 0)
        if number < before:
            raise OldError(f"{kind.value} is number {number}, and {before} was seen")
