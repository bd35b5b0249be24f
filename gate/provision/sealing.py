"""What systemd's credentials seal where the machine has a TPM, each for one program's unit alone: the log's key, the passphrase under
which the device's key is kept (`gate.provision.identity`), since the program that renews that key cannot seal, and the keys and certificates for lists and registers.

Promises: a plain key goes only when what takes its place was opened again and is right, and the unit loads it; a kill at any point leaves
a key that its program can use, and the next run ends it. The log's public key lies beside the sealed one, for whoever provisions. Without a
TPM nothing is sealed: a key that the machine itself can open from its own disk is worth what a file of mode 0600 is. Sealed is to the TPM and
the host's own key and to no state of the firmware: a new boot menu or a changed list of revoked loaders must not end a gate's log.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from gate.provision.identity import DEVICE, IdentityError, has_plain_key, lock
from gate.provision.steps import LaterStepError, Step, StepError
from gate_core import durable

TPM_KEY: Final = "host+tpm2"
DEADLINE_S: Final = 60.0
PASSPHRASE_BYTES: Final = 32
_TEXT: Final = "# Written by `gate provision seal`.\n[Service]\nLoadCredentialEncrypted={name}:{path}\n"

Run = Callable[[list[str], bytes], bytes]


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret by the name under which its program finds it, the program, and the file that has systemd open it."""

    name: str
    program: str
    file: str = "50-sealed.conf"

    def sealed(self, keys: Path) -> Path:
        """Where it lies in a folder of keys."""
        return keys / f"{self.name}.cred"

    @property
    def drop_in(self) -> str:
        """What has systemd open it, below the folder for what a site adds to units."""
        return f"gate-{self.program}.service.d/{self.file}"

    def drop_in_text(self, keys: Path) -> str:
        """What stands there."""
        return _TEXT.format(name=self.name, path=self.sealed(keys))

    def is_loaded(self, keys: Path, units: Path) -> bool:
        """Whether it stands there, about this folder of keys."""
        drop_in = units / self.drop_in
        return drop_in.exists() and drop_in.read_text() == self.drop_in_text(keys)


LOG_KEY: Final = Credential("log.key", "log")
DEVICE_PASSPHRASE: Final = Credential("device.passphrase", "sync")


def of_registers(name: str) -> Credential:
    """A key or certificate for lists and registers, by its name in the configuration."""
    return Credential(name, "registers", f"50-sealed-{name}.conf")


def run(command: list[str], told: bytes) -> bytes:
    """Run a command of systemd's with something on its standard input; what it prints. Raises StepError."""
    try:
        return subprocess.run(command, check=True, capture_output=True, input=told, timeout=DEADLINE_S).stdout  # noqa: S603
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise StepError(f"{command[0]}: {said[0]}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise StepError(f"{command[0]} cannot be run: {error}") from error


def has_tpm(*, command: Run = run) -> bool:
    """Whether systemd can seal with this machine's TPM. It is tried: what the firmware knows of it says nothing about that."""
    try:
        box = command(
            ["systemd-creds", "encrypt", "--name=trial", "--with-key=tpm2", "--tpm2-pcrs=", "-", "-"], b"trial"
        )
        return command(["systemd-creds", "decrypt", "--name=trial", "-", "-"], box) == b"trial"
    except StepError:
        return False


def opened(credential: Credential, keys: Path, *, command: Run = run) -> bytes:
    """A secret out of its seal, for root on the machine that sealed it. Raises StepError."""
    return command(["systemd-creds", "decrypt", f"--name={credential.name}", str(credential.sealed(keys)), "-"], b"")


def device_passphrase(keys: Path) -> bytes | None:
    """The passphrase of the device's key, for root; none where it is not sealed. Raises StepError."""
    try:
        return opened(DEVICE_PASSPHRASE, keys) if DEVICE_PASSPHRASE.sealed(keys).exists() else None
    except PermissionError as error:
        raise StepError(f"{keys} is closed to this user: do it as root") from error


def seal_steps(
    keys: Path,
    units: Path,
    identities: Path,
    *,
    sync_runs: Callable[[], bool],
    registers: Collection[str] = (),
    with_key: str = TPM_KEY,
    command: Run = run,
) -> Iterator[Step]:
    """The steps in their order. `keys` holds the log's key, `identities` a folder an identity, `units` is systemd's folder for what a site
    adds. `sync_runs`: whether the program that renews the device's key does; then that key cannot be replaced. `registers` are the credentials for lists and registers,
    which lie beside the log's key; one that is not there yet is left for another run.
    """
    bench = _Bench(keys, units, with_key, command)
    yield Step("sealed", partial(bench.seal_plain, LOG_KEY), LOG_KEY.sealed(keys).exists)
    yield Step("unit", partial(bench.load, LOG_KEY), partial(LOG_KEY.is_loaded, keys, units))
    yield Step("plain_key", partial(bench.forget, LOG_KEY), lambda: not bench.plain(LOG_KEY).exists())
    yield from _device_key_steps(bench, identities, sync_runs)
    if registers:
        yield from _register_steps(bench, [of_registers(name) for name in registers])


def _register_steps(bench: _Bench, credentials: Sequence[Credential]) -> Iterator[Step]:
    def sealed() -> list[Credential]:
        return [one for one in credentials if one.sealed(bench.keys).exists()]

    def to_seal() -> list[Credential]:
        return [one for one in credentials if one not in sealed() and bench.plain(one).exists()]

    def to_load() -> list[Credential]:
        return [one for one in sealed() if not one.is_loaded(bench.keys, bench.units)]

    def to_forget() -> list[Credential]:
        return [one for one in sealed() if bench.plain(one).exists()]

    def missing() -> str:
        names = [one.name for one in credentials if one not in sealed()]
        return f"not there yet: {', '.join(names)}" if names else ""

    def each(do: Callable[[Credential], str], left: Callable[[], list[Credential]]) -> Callable[[], str]:
        return lambda: "; ".join([do(one) for one in left()])

    yield Step("registers_sealed", each(bench.seal_plain, to_seal), lambda: not to_seal(), missing)
    yield Step("registers_unit", each(bench.load, to_load), lambda: not to_load())
    yield Step("registers_plain", each(bench.forget, to_forget), lambda: not to_forget())


def _device_key_steps(bench: _Bench, identities: Path, sync_runs: Callable[[], bool]) -> Iterator[Step]:
    def seal() -> str:
        return bench.seal(DEVICE_PASSPHRASE, secrets.token_hex(PASSPHRASE_BYTES).encode())

    def lock_keys() -> str:
        if sync_runs():
            raise LaterStepError(
                "gate-sync runs, and may renew its key: systemctl stop gate-sync, repeat this, start it"
            )
        passphrase = bench.opened(DEVICE_PASSPHRASE)
        folders = sorted(one.parent for one in identities.glob(f"*/{DEVICE}"))
        try:
            for folder in folders:
                lock(folder, passphrase)
        except IdentityError as error:
            raise StepError(f"{error}; enrol anew: gate provision enrol --again") from error
        except OSError as error:
            raise StepError(f"cannot encrypt the key in {identities}: {error.strerror}") from error
        return f"the device's key in {', '.join(map(str, folders))} is encrypted, and the plain one overwritten"

    def are_locked() -> bool:
        try:
            return not any(map(has_plain_key, identities.glob("*")))
        except (OSError, IdentityError) as error:
            raise StepError(f"cannot look at the keys in {identities}: {error}") from error

    yield Step("device_sealed", seal, DEVICE_PASSPHRASE.sealed(bench.keys).exists)
    yield Step(
        "device_unit",
        partial(bench.load, DEVICE_PASSPHRASE),
        partial(DEVICE_PASSPHRASE.is_loaded, bench.keys, bench.units),
    )
    yield Step("device_key", lock_keys, are_locked)


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where secrets are sealed, and with what."""

    keys: Path
    units: Path
    with_key: str
    command: Run

    def seal(self, credential: Credential, secret: bytes) -> str:
        words = ["systemd-creds", "encrypt", f"--name={credential.name}", f"--with-key={self.with_key}"]
        if self.with_key == TPM_KEY:
            words.append("--tpm2-pcrs=")
        box, place = self.command([*words, "-", "-"], secret), credential.sealed(self.keys)
        try:
            durable.write(place, box, mode=0o600)
        except OSError as error:
            raise StepError(f"cannot write {place}: {error.strerror}") from error
        return f"{place}, with {self.with_key}"

    def plain(self, credential: Credential) -> Path:
        """Where a secret lies before it is sealed."""
        return self.keys / credential.name

    def seal_plain(self, credential: Credential) -> str:
        try:
            return self.seal(credential, self.plain(credential).read_bytes())
        except OSError as error:
            raise StepError(f"cannot read {self.plain(credential)}: {error.strerror}") from error

    def forget(self, credential: Credential) -> str:
        plain, secret = self.plain(credential), self.opened(credential).strip(b"\0")
        try:
            if plain.read_bytes().strip(b"\0") not in {secret, b""}:  # zeros: a run was killed while it wiped
                raise StepError(
                    f"{credential.sealed(self.keys)} holds another key than {plain}: remove it and repeat this"
                )
            durable.wipe(plain)
        except OSError as error:
            raise StepError(f"cannot wipe {plain}: {error.strerror}") from error
        return f"{plain} is overwritten and gone; restart gate-{credential.program} where it runs"

    def load(self, credential: Credential) -> str:
        drop_in = self.units / credential.drop_in
        try:
            durable.make_folder(drop_in.parent)
            durable.write(drop_in, credential.drop_in_text(self.keys).encode())
        except OSError as error:
            raise StepError(f"cannot write {drop_in}: {error.strerror}") from error
        self.command(["systemctl", "daemon-reload"], b"")
        return str(drop_in)

    def opened(self, credential: Credential) -> bytes:
        return opened(credential, self.keys, command=self.command)
