"""The secrets that systemd seals for one unit each (systemd-creds(1)), and how root opens one on the machine that sealed it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEADLINE_S: Final = 60.0
_TEXT: Final = "# Written by `gate provision seal`.\n[Service]\nLoadCredentialEncrypted={name}:{path}\n"

Run = Callable[[list[str], bytes], bytes]


class CredentialError(Exception):
    """A command of systemd failed; the message names it and the reason."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret: its name for its program, the program, and the drop-in that makes systemd open it."""

    name: str
    program: str
    file: str = "50-sealed.conf"

    def sealed(self, keys: Path) -> Path:
        """Return its path in a folder of keys."""
        return keys / f"{self.name}.cred"

    @property
    def drop_in(self) -> str:
        """Path of the drop-in, below the folder for a site's additions to units."""
        return f"gate-{self.program}.service.d/{self.file}"

    def drop_in_text(self, keys: Path) -> str:
        """Return the drop-in's content."""
        return _TEXT.format(name=self.name, path=self.sealed(keys))

    def is_loaded(self, keys: Path, units: Path) -> bool:
        """True if the drop-in exists for this folder of keys."""
        drop_in = units / self.drop_in
        return drop_in.exists() and drop_in.read_text() == self.drop_in_text(keys)


LOG_KEY: Final = Credential("log.key", "log")
DEVICE_PASSPHRASE: Final = Credential("device.passphrase", "sync")


def of_registers(name: str) -> Credential:
    """Return a key or certificate for lists and registers, by its name in the configuration."""
    return Credential(name, "registers", f"50-sealed-{name}.conf")


def run(command: list[str], told: bytes) -> bytes:
    """Run a command of systemd with this standard input, and return its output. Raises CredentialError."""
    try:
        return subprocess.run(command, check=True, capture_output=True, input=told, timeout=DEADLINE_S).stdout  # noqa: S603
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise CredentialError(f"{command[0]}: {said[0]}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise CredentialError(f"{command[0]} cannot be run: {error}") from error


def opened(credential: Credential, keys: Path, *, command: Run = run) -> bytes:
    """Open a sealed secret: as root, on the machine that sealed it. Raises CredentialError."""
    return command(["systemd-creds", "decrypt", f"--name={credential.name}", str(credential.sealed(keys)), "-"], b"")


def device_passphrase(keys: Path) -> bytes | None:
    """Return the passphrase of the device's key, for root; None if it is not sealed. Raises CredentialError."""
    try:
        return opened(DEVICE_PASSPHRASE, keys) if DEVICE_PASSPHRASE.sealed(keys).exists() else None
    except PermissionError as error:
        raise CredentialError(f"{keys} is closed to this user: do it as root") from error
