"""The steps of enrolment: the device certificate from the central server, then the table [sync] of the configuration.

Left to the caller: the public key of the log, and whether a configuration can work.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from gate import durable
from gate.provision import device_key
from gate.provision.device_key import DeviceKeyError
from gate.provision.enrol import CentralAwayError, CentralRefusesError, EnrolError, enrol
from gate.provision.steps import (
    AwayStepError,
    ConfigurationStepError,
    ContentStepError,
    ForbiddenStepError,
    Step,
    StepError,
)


@dataclass(frozen=True, slots=True)
class Central:
    """The central server, HOST:PORT, the file of the operator's authority, and what asks for the one-time token. It raises StepError."""

    address: str
    ca: Path
    token: Callable[[], str]


def enrol_steps(
    path: Path,
    central: Central,
    *,
    gate_id: str,
    keys: Path,
    again: bool,
    log_vkey: Callable[[], str],
    check: Callable[[Path], object],
) -> Iterator[Step]:
    """The steps in their order. `log_vkey` raises StepError; `check` of a configuration's file raises ConfigurationStepError."""
    files = {name: keys / name for name in ("central-ca.pem", "device.pem", "mirror.vkey")}
    table = {
        "address": central.address,
        "ca": str(files["central-ca.pem"]),
        "certificate": str(files["device.pem"]),
        "key": str(keys / "device.key"),
    }

    def get_certificate() -> str:
        vkey = log_vkey()
        try:
            wanted = device_key.signing_request(keys / "device.key", gate_id)
            enrolled = enrol(
                central.address,
                str(central.ca),
                gate_id=gate_id,
                token=central.token(),
                signing_request=wanted,
                log_vkey=vkey,
            )
            durable.write(files["central-ca.pem"], central.ca.read_bytes())
            durable.write(files["mirror.vkey"], enrolled.mirror_vkey.encode() + b"\n")
            durable.write(files["device.pem"], enrolled.certificate)  # last: it says that the step was done
        except CentralAwayError as error:
            raise AwayStepError(str(error)) from error
        except CentralRefusesError as error:
            raise ForbiddenStepError(str(error)) from error
        except EnrolError as error:
            raise ContentStepError(str(error)) from error
        except (DeviceKeyError, OSError) as error:
            raise StepError(str(error)) from error
        return f"{gate_id} is enrolled at {central.address}"

    def write_table() -> str:
        try:
            whole = tomllib.loads(path.read_text())
            vkey = files["mirror.vkey"].read_text().strip()
            whole["sync"] = {**whole.get("sync", {}), **table, "mirror_vkey": vkey}
            with durable.writing(path) as draft:
                draft.write(tomli_w.dumps(whole).encode())
                draft.flush()
                check(Path(draft.name))
        except (OSError, ConfigurationStepError) as error:
            raise StepError(str(error)) from error
        return f"[sync] in {path}"

    def has_table() -> bool:
        return not again and table.items() <= tomllib.loads(path.read_text()).get("sync", {}).items()

    yield Step("certificate", get_certificate, lambda: not again and all(one.exists() for one in files.values()))
    yield Step("configuration", write_table, has_table)
