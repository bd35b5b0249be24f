"""Checks a configuration, and the files that it names, before any program starts. Opens no device, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyrage

from drivers.camera.settings import Outside
from gate.programs.lane.rules import embedder_of, require_liveness, require_officers, service_of
from gate.programs.screens import page_texts
from gate.programs.shared.approval import approved, unsafe_files
from gate.programs.shared.basis import basis_of
from gate.programs.shared.config import Config, load
from gate.programs.shared.devices import first_load, pads, profiles, registers
from gate.programs.shared.written_rules import written_rules
from gate.screens.kiosk.texts import Languages
from gate_core.approval.canonical import digest
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Verifier
from gate_core.console_certificates import ConsolesError, consoles_in
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import FileError, Problem, TomlFile
from gate_documents.countries import is_state_code
from models.acceptance import providers_for
from models.errors import CohortError, ManifestError, ModelError
from models.manifest import Model
from models.site import FILE, FILE_BYTES_MAX, Site, load_for


@dataclass(frozen=True, slots=True)
class Checked:
    """The problems found. `digest` is that of the canonical text; None if there is no canonical text."""

    problems: tuple[Problem, ...]
    digest: str | None

    @property
    def is_unreadable(self) -> bool:
        """True if every problem is an unreadable file, and there is at least one."""
        return bool(self.problems) and all(problem.unreadable for problem in self.problems)


def check(path: Path) -> Checked:
    """Check a configuration and the files that it names."""
    try:
        config = load(path)
    except ConfigError as error:
        return Checked(error.problems, None)
    found = [*unsafe_files(config, path), *first_load.problems(config, path)]
    if not any(problem.key.endswith(".code.name") for problem in found):
        found += [problem for look in _LOOKS for problem in look(config)]
    digest_of_it = None
    try:
        digest_of_it = digest(basis_of(config))
    except ConfigError as error:
        found += error.problems
    return Checked(ConfigError(*dict.fromkeys(found)).placed(path).problems, digest_of_it)


def _models(config: Config) -> Iterator[Problem]:
    folder = Path(config.paths.models)
    if found := list(_site(folder / FILE)):
        yield from found
        return
    try:
        models = load_for(folder).profile(config.face.profile)
    except ManifestError as error:
        yield Problem("face.profile", str(error), unreadable=isinstance(error.__cause__, OSError))
        return
    yield from _cohorts(models, folder)
    yield from _said(lambda: embedder_of(config))
    yield from _said(lambda: require_liveness(config))
    try:
        providers_for(config.face.providers, models, folder)
    except ModelError as error:
        yield Problem("face.providers", str(error))


def _site(path: Path) -> Iterator[Problem]:
    """Yield the type errors in the site's own additions to the models; nothing without that file."""
    try:
        text = path.read_bytes()[: FILE_BYTES_MAX + 1].decode()
        file = TomlFile(str(path), text)
        file.fitted(file.table(), Site)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Problem("", f"cannot be read: {error.strerror}", str(path), unreadable=True)
    except UnicodeDecodeError:
        yield Problem("", "is not UTF-8", str(path))
    except FileError as error:
        yield from error.problems


def _cohorts(models: Iterable[Model], folder: Path) -> Iterator[Problem]:
    """Yield the errors in the cohorts on which thresholds rest."""
    for model in models:
        if model.cohort is not None:
            from models.cohort import read  # noqa: PLC0415 - an array library, and only for this

            try:
                read(folder / model.cohort.file, model, sha256=model.cohort.sha256)
            except CohortError as error:
                yield Problem("face.profile", str(error), unreadable=isinstance(error.__cause__, OSError))


def _recipients(config: Config) -> Iterator[Problem]:
    for recipient in config.audit.recipients:
        try:
            pyrage.x25519.Recipient.from_str(recipient)
        except pyrage.RecipientError:
            yield Problem("audit.recipients", f"{recipient[:16]} is no age recipient")
    if len(set(config.audit.recipients)) < len(config.audit.recipients):
        yield Problem("audit.recipients", "an auditor is named twice")


def _sync(config: Config) -> Iterator[Problem]:
    if config.sync is None:
        return
    try:
        Verifier.parse(config.sync.mirror_vkey)
    except BadFormatError as error:
        yield Problem("sync.mirror_vkey", str(error))
    yield from _missing("sync.identity", config.sync.identity)


def _registers(config: Config) -> Iterator[Problem]:
    """Yield what would stop the registers program from starting, or make it answer every question with unknown."""
    if config.registers is None:
        return
    yield from registers.problems(config)
    for name, signed in config.registers.lists.items():
        for vkey in signed.keys:
            try:
                Verifier.parse(vkey)
            except BadFormatError as error:
                yield Problem(f"registers.lists.{name}.keys", str(error))
    for name, online in config.registers.online.items():
        key = f"registers.online.{name}"
        if unknown := [code for code in online.not_for if not is_state_code(code)]:
            yield Problem(f"{key}.not_for", f"{', '.join(unknown)} is no nationality of an MRZ (ICAO 9303-3 §5)")
        if not online.address:
            yield Problem(
                f"{key}.address",
                "there is none, so that nothing is known of anybody: suspended names days on which it is not asked",
            )
        elif not online.address.startswith("http:"):
            yield from _missing(f"{key}.authorities", str(Path(online.authorities)))
            if not online.certificate:
                yield Problem(f"{key}.certificate", "there is none, so that nothing is known of anybody")


def _camera(config: Config) -> Iterator[Problem]:
    if isinstance(config.camera, Outside):
        from gate.programs.shared.devices import cameras  # noqa: PLC0415 - an image library, and only for this

        yield from cameras.problems(config)
    if config.camera.pad is not None:
        yield from pads.code_problems(config.camera.pad)


def _console(config: Config) -> Iterator[Problem]:
    if config.console is None:
        return
    try:
        consoles_in(Path(config.console.certificates))
    except ConsolesError as error:
        yield Problem("console.certificates", str(error), unreadable=isinstance(error.__cause__, OSError))


def _missing(key: str, path: str) -> Iterator[Problem]:
    """Yield a problem if the key names a missing file. Does not check that the program's user may read it."""
    try:
        if path:
            Path(path).stat()
    except PermissionError:
        return
    except OSError as error:
        yield Problem(key, f"{path} cannot be read: {error.strerror}", unreadable=True)


def _said(act: Callable[[], object]) -> Iterator[Problem]:
    try:
        act()
    except ConfigError as error:
        yield from error.problems


_LOOKS: tuple[Callable[[Config], Iterator[Problem]], ...] = (
    profiles.problems,
    _camera,
    lambda config: _said(lambda: service_of(config)),
    lambda config: _said(lambda: written_rules(config)),
    _models,
    _recipients,
    lambda config: page_texts.problems(config, Languages()),
    _sync,
    lambda config: _missing("lists.folder", config.lists.folder if config.lists else ""),
    _registers,
    lambda config: _missing("updates.root", config.updates.root if config.updates else ""),
    _console,
    lambda config: _said(lambda: require_officers(config)),
    lambda config: _said(lambda: approved(config)),
)
