"""The accelerators that are proved on this machine: one is used only after `gate models accept` ran every model's golden values on it here.

The filing names the machine, the library's version and each model's bytes; if one changes, the provider is no longer accepted. The CPU needs no
filing; every session is verified again when it is opened.
"""

import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from models.errors import ProviderNotAcceptedError
from models.manifest import Model, Name, Sha256, Table, Text

FILE: Final = "accepted.json"
FILE_BYTES_MAX: Final = 1024 * 1024
CPU: Final = "CPUExecutionProvider"
# Tried in this order when nothing is configured. Providers that would send pixels elsewhere are not in it.
ACCELERATORS: Final = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "OpenVINOExecutionProvider")
_MACHINE: Final = Path("/etc/machine-id")


class Filing(Table, frozen=True):
    """One successful golden run. `at` is RFC 3339."""

    provider: Text
    library: Text
    machine: Sha256
    models: dict[Name, Sha256]
    at: Text


def machine_id(path: Path = _MACHINE) -> str:
    """Return this machine's identifier: the hash of its ID, because the ID itself is confidential."""
    try:
        return hashlib.sha256(b"portcullis models\n" + path.read_bytes()).hexdigest()
    except OSError as error:
        raise ProviderNotAcceptedError(f"this machine has no id: {path}: {error.strerror}") from error


def library_version() -> str:
    """The version of the inference library, without loading it."""
    return importlib.metadata.version("onnxruntime")


def providers_for(
    wanted: Sequence[str], models: Iterable[Model], folder: Path, *, machine: Callable[[], str] = machine_id
) -> tuple[str, ...]:
    """Return the providers to try for these models, in order, the CPU last.

    `wanted`: the configured ones; each must be accepted. Empty: all accepted ones. Raises ProviderNotAcceptedError.
    """
    models = tuple(models)
    accelerators = [name for name in wanted or ACCELERATORS if name != CPU]
    filings = _read(folder / FILE) if accelerators else ()
    accepted = tuple(name for name in accelerators if any(_covers(one, name, models, machine) for one in filings))
    if wanted and len(accepted) < len(accelerators):
        missing = next(name for name in accelerators if name not in accepted)
        raise ProviderNotAcceptedError(
            f"{missing} has not given the golden values of these models on this machine: run gate models accept {missing}"
        )
    return (*accepted, CPU)


def file_run(
    provider: str, models: Iterable[Model], folder: Path, *, at: str, machine: Callable[[], str] = machine_id
) -> Filing:
    """Record that every model gave its golden values on `provider`. A provider's newest filing counts."""
    filing = Filing(
        provider=provider,
        library=library_version(),
        machine=machine(),
        models={model.name: model.sha256 for model in models},
        at=at,
    )
    kept = [one for one in _read(folder / FILE) if one.provider != provider]
    temporary = folder / f".{FILE}.new"
    with temporary.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode([*kept, filing]), indent=2))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / FILE)
    return filing


def _covers(filing: Filing, provider: str, models: Iterable[Model], machine: Callable[[], str]) -> bool:
    return (
        filing.provider == provider
        and filing.library == library_version()
        and all(filing.models.get(model.name) == model.sha256 for model in models)
        and filing.machine == machine()
    )


def _read(path: Path) -> tuple[Filing, ...]:
    """Return the filings; none without a file. Raises ProviderNotAcceptedError for an invalid file."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ProviderNotAcceptedError(f"cannot read {path}: {error.strerror}") from error
    try:
        return msgspec.json.decode(content[:FILE_BYTES_MAX], type=tuple[Filing, ...])
    except msgspec.DecodeError as error:
        raise ProviderNotAcceptedError(f"{path} is no list of accepted providers: {error}") from error
