"""Takes the certificates and lists that a technician brings along into the trust store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gate.document.errors import DocumentError
from gate.document.pki.certificate import parse_certificate
from gate.programs.shared import clock
from gate.provision.steps import StepError
from gate.trust.errors import TrustError
from gate.trust.folder import read_folder
from gate.trust.importing import import_sources
from gate.trust.known import Way
from gate.trust.sources import Source, parts_of, read_source

FILE_BYTES_MAX: Final = 16 << 20


def take_in(store: Path, files: Sequence[Path], *, signer: Path | None, test: bool) -> str:
    """Import them, and say what was taken. Raises StepError, after which the store is as it was."""
    try:
        sources: list[Source] = []
        for path in files:
            sources += read_folder(path).sources if path.is_dir() else _sources(path)
        vouching = None if signer is None else parse_certificate(_bytes(signer))
        way = Way.DOWNLOADED if any(path.is_dir() for path in files) else Way.HANDED
        taken = import_sources(store, sources, signer=vouching, test=test, now=clock.now(), way=way)
    except (TrustError, DocumentError) as error:
        raise StepError(str(error)) from error
    except OSError as error:
        raise StepError(f"cannot read {error.filename}: {error.strerror}") from error
    left_out = f", {len(taken.rejected)} left out" if taken.rejected else ""
    return f"{taken.accepted} of {taken.certificates} certificates and {taken.revocation_lists} revocation lists{left_out}; "


def _sources(path: Path) -> list[Source]:
    return [read_source(name, part) for name, part in parts_of(str(path), _bytes(path))]


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(FILE_BYTES_MAX + 1)
    if len(raw) > FILE_BYTES_MAX:
        raise StepError(f"{path} is larger than {FILE_BYTES_MAX >> 20} MiB")
    return raw
