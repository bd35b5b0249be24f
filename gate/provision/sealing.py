"""The log's key sealed by systemd's credentials, where the machine has a TPM: bound to it, and opened for the log program alone.

Promises: the plain key goes only when the sealed one was opened again and is the same, and the unit loads it; a kill at any point leaves
one of the two in force, and the next run ends it. The public key lies beside it, for whoever provisions. Without a TPM nothing is
sealed: a key that the machine itself can open from its own disk is worth what a file of mode 0600 is.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from gate import durable
from gate.provision.steps import Step, StepError

NAME: Final = "log.key"
SEALED: Final = "log.key.cred"
DROP_IN: Final = "gate-log.service.d/50-sealed.conf"
TPM_KEY: Final = "host+tpm2"
DEADLINE_S: Final = 60.0
_TEXT: Final = "# Written by `gate provision seal`.\n[Service]\nLoadCredentialEncrypted={name}:{path}\n"

Run = Callable[[list[str], bytes], bytes]


def has_tpm() -> bool:
    """Whether systemd can seal with this machine's TPM."""
    try:
        done = subprocess.run(
            ["systemd-analyze", "has-tpm2", "--quiet"],  # noqa: S607
            check=False,
            capture_output=True,
            timeout=DEADLINE_S,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def run(command: list[str], told: bytes) -> bytes:
    """Run a command of systemd's with something on its standard input; what it prints. Raises StepError."""
    try:
        return subprocess.run(command, check=True, capture_output=True, input=told, timeout=DEADLINE_S).stdout  # noqa: S603
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise StepError(f"{command[0]}: {said[0]}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise StepError(f"{command[0]} cannot be run: {error}") from error


def open_sealed(sealed: Path, *, command: Run = run) -> bytes:
    """The log's key out of its seal, for root on the machine that sealed it. Raises StepError."""
    return command(["systemd-creds", "decrypt", f"--name={NAME}", str(sealed), "-"], b"")


def seal_steps(keys: Path, units: Path, *, with_key: str = TPM_KEY, command: Run = run) -> Iterator[Step]:
    """The steps in their order. `keys` holds the log's key, `units` is systemd's folder for what a site adds."""
    plain, sealed, drop_in = keys / NAME, keys / SEALED, units / DROP_IN
    text = _TEXT.format(name=NAME, path=sealed)

    def seal() -> str:
        try:
            key = plain.read_bytes()
            box = command(["systemd-creds", "encrypt", f"--name={NAME}", f"--with-key={with_key}", "-", "-"], key)
            durable.write(sealed, box, mode=0o600)
        except OSError as error:
            raise StepError(f"cannot seal {plain}: {error.strerror}") from error
        return f"{sealed}, with {with_key}"

    def load() -> str:
        try:
            durable.make_folder(drop_in.parent)
            durable.write(drop_in, text.encode())
        except OSError as error:
            raise StepError(f"cannot write {drop_in}: {error.strerror}") from error
        command(["systemctl", "daemon-reload"], b"")
        return str(drop_in)

    def forget() -> str:
        opened = open_sealed(sealed, command=command)
        try:
            if plain.read_bytes().strip(b"\0") not in {
                opened.strip(b"\0"),
                b"",
            }:  # zeros: a run was killed while it wiped
                raise StepError(f"{sealed} holds another key than {plain}: remove it and repeat this")
            durable.wipe(plain)
        except OSError as error:
            raise StepError(f"cannot wipe {plain}: {error.strerror}") from error
        return f"{plain} is overwritten and gone; restart gate-log where it runs"

    yield Step("sealed", seal, sealed.exists)
    yield Step("unit", load, lambda: drop_in.exists() and drop_in.read_text() == text)
    yield Step("plain_key", forget, lambda: not plain.exists())
