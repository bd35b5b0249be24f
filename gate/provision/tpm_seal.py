"""Seals the gate's secrets with the machine's TPM, each for one unit only (systemd-creds(1)).

Sealed are the log's key, the passphrase of the device's key, and the keys and certificates for lists and registers. A plain key is wiped only
after its sealed copy was opened again and compared, and its unit loads it. A kill at any point leaves a key that its program can use, and the
next run completes the work. Without a TPM nothing is sealed: a key that the machine opens from its own disk is no safer than a file of mode
0600. The seal depends on the TPM and the host's key, not on the firmware's state: a changed boot menu must not end a gate's log.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from gate.device_certificate.credentials import (
    DEVICE_PASSPHRASE,
    LOG_KEY,
    Credential,
    CredentialError,
    Run,
    of_registers,
    opened,
    run,
)
from gate.device_certificate.device import DEVICE, IdentityError, has_plain_key, lock
from gate.provision.steps import LaterStepError, Step, StepError, step_errors
from gate_core import durable

TPM_KEY: Final = "host+tpm2"
PASSPHRASE_BYTES: Final = 32


def has_tpm(*, command: Run = run) -> bool:
    """True if systemd can seal with this machine's TPM. It is tried, because the firmware's report does not show that."""
    try:
        box = command(
            ["systemd-creds", "encrypt", "--name=trial", "--with-key=tpm2", "--tpm2-pcrs=", "-", "-"], b"trial"
        )
        return command(["systemd-creds", "decrypt", "--name=trial", "-", "-"], box) == b"trial"
    except CredentialError:
        return False


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
    """Yield the steps in order. `keys` has the log's key, `identities` one folder per identity; `units`: systemd's folder of
    a site's additions. `sync_runs`: the program that renews the device's key is running; then that key cannot be replaced.
    `registers`: the credentials for lists and registers, beside the log's key; a missing one is left for another run.
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
    """The folders and tools of sealing."""

    keys: Path
    units: Path
    with_key: str
    command: Run

    def seal(self, credential: Credential, secret: bytes) -> str:
        words = ["systemd-creds", "encrypt", f"--name={credential.name}", f"--with-key={self.with_key}"]
        if self.with_key == TPM_KEY:
            words.append("--tpm2-pcrs=")
        place = credential.sealed(self.keys)
        with step_errors(CredentialError):
            box = self.command([*words, "-", "-"], secret)
        with step_errors(OSError, doing=f"cannot write {place}"):
            durable.write(place, box, mode=0o600)
        return f"{place}, with {self.with_key}"

    def plain(self, credential: Credential) -> Path:
        """Return the path of a secret before sealing."""
        return self.keys / credential.name

    def seal_plain(self, credential: Credential) -> str:
        with step_errors(OSError, doing=f"cannot read {self.plain(credential)}"):
            secret = self.plain(credential).read_bytes()
        return self.seal(credential, secret)

    def forget(self, credential: Credential) -> str:
        plain, secret = self.plain(credential), self.opened(credential).strip(b"\0")
        with step_errors(OSError, doing=f"cannot wipe {plain}"):
            if plain.read_bytes().strip(b"\0") not in {secret, b""}:  # zeros: a run was killed while it wiped
                sealed = credential.sealed(self.keys)
                raise StepError(f"{sealed} holds another key than {plain}: remove it and repeat this")
            durable.wipe(plain)
        return f"{plain} is overwritten and gone; restart gate-{credential.program} where it runs"

    def load(self, credential: Credential) -> str:
        drop_in = self.units / credential.drop_in
        with step_errors(OSError, doing=f"cannot write {drop_in}"):
            durable.make_folder(drop_in.parent)
            durable.write(drop_in, credential.drop_in_text(self.keys).encode())
        with step_errors(CredentialError):
            self.command(["systemctl", "daemon-reload"], b"")
        return str(drop_in)

    def opened(self, credential: Credential) -> bytes:
        with step_errors(CredentialError):
            return opened(credential, self.keys, command=self.command)
