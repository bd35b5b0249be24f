"""The steps of enrolment: what a failure or a kill at any of them leaves of the identity that was there."""

from __future__ import annotations

import base64
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import tomli_w
from central_fakes.server import GATE_ID, NOW
from core_fakes.killing import killed_at, refused
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7

from gate.device_certificate import device
from gate.device_certificate.credentials import CredentialError
from gate.device_certificate.device import DEVICE, Identity, Wanted
from gate.programs.shared.config import parse
from gate.programs.sync import inbox
from gate.provision.enrolment import Answer, Central, Enrolled, enrolment_steps, read_answer
from gate.provision.log_key import make_key
from gate.provision.steps import (
    StepError,
    StepReport,
    StepState,
    carry_out,
)
from gate_central import authority
from gate_core.command_line.output import Exit

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
STEPS_MAX = 300
ADDRESS = "central.example:8443"
DONE, KEPT = StepState.DONE, StepState.KEPT


@dataclass
class Site:
    """A gate's configuration, and the central server as `ask`."""

    folder: Path
    root: authority.Authority = field(default_factory=lambda: authority.found("central.example", NOW))
    failure: Exception | None = None
    now_days: int = 0
    mirror_vkey: str = "mirror+1+A"

    def __post_init__(self) -> None:
        self.path.write_bytes(tomli_w.dumps({"gate_id": GATE_ID, "sync": {"interval_ms": 50}}).encode())
        keys, identity = self.folder / "keys", self.folder / "identity"
        table: dict[str, object] = {
            "purpose": "trial",
            "gate_id": GATE_ID,
            "operator": "border.example",
            "mode": "shadow",
        }
        table |= {"audit": {"recipients": ["a", "b"]}, "page": {"driver": "folder", "path": "/run/scanner"}}
        table |= {"camera": {"driver": "v4l2", "address": "/dev/v4l/by-id/camera"}}
        self.config = parse({**table, "paths": {"keys": str(keys), "identity": str(identity)}})
        keys.mkdir()
        make_key(keys / "log.key", self.config.origin)
        (self.folder / "ca.pem").write_bytes(self.root.certificate.public_bytes(Encoding.PEM))

    @property
    def path(self) -> Path:
        return self.folder / "gate.toml"

    @property
    def home(self) -> Path:
        return self.folder / "identity"

    def ask(self, _address: str, _authorities: object, wanted: Wanted, **_: object) -> Enrolled:
        if self.failure is not None:
            raise self.failure
        certificate = authority.issue_device(self.root, GATE_ID, wanted.key.public_key(), NOW)
        body = base64.b64encode(pkcs7.serialize_certificates([certificate], Encoding.DER))
        return read_answer(Answer(200, body, self.mirror_vkey), wanted, (self.root.certificate,), NOW)

    def enrol(
        self,
        *,
        again: bool = False,
        address: str = ADDRESS,
        check: Callable[[Path], object] = Path.exists,
        passphrase: Callable[[Path], bytes | None] = lambda _: None,
    ) -> list[StepReport]:
        steps = enrolment_steps(
            self.path,
            self.config,
            Central(address, self.folder / "ca.pem", lambda: "token"),
            again=again,
            check=check,
            now=lambda: NOW + timedelta(days=self.now_days),
            passphrase=passphrase,
            ask=self.ask,
        )
        return list(carry_out(steps))

    def sync(self) -> dict[str, object]:
        return dict(tomllib.loads(self.path.read_text())["sync"])

    def identity(self) -> Identity:
        return Identity.load(Path(str(self.sync()["identity"])))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def states(reports: list[StepReport]) -> list[StepState]:
    return [one.state for one in reports]


def test_it_is_enrolled_once_and_again_when_that_is_asked_for(site: Site) -> None:
    assert states(site.enrol()) == [DONE, DONE]
    assert site.sync() == {
        "interval_ms": 50,
        "address": ADDRESS,
        "mirror_vkey": "mirror+1+A",
        "identity": str(site.home / "1"),
    }
    first = site.identity().certificate
    assert states(site.enrol()) == [KEPT, KEPT]
    assert states(site.enrol(address="elsewhere:1")) == [KEPT, DONE]  # the same server at another address
    assert (site.sync()["address"], site.identity().certificate) == ("elsewhere:1", first)
    assert states(site.enrol(again=True)) == [DONE, DONE]
    assert site.identity().certificate != first
    assert [one.name for one in site.home.iterdir()] == ["2"]


RECEIPT = "receipt.note"


def test_who_enrols_anew_still_knows_what_the_server_has_signed(site: Site) -> None:
    """Killed at any step, and asked again."""
    site.enrol()
    first = site.home / "1"
    (first / RECEIPT).write_bytes(b"the server's word")
    for step in range(1, STEPS_MAX):
        before = tomllib.loads(site.path.read_text())["sync"]["identity"]
        (Path(before) / RECEIPT).write_bytes(b"the server's word")
        if not killed_at(step, partial(site.enrol, again=True)):
            break
        site.enrol()
        assert (site.identity().folder / RECEIPT).read_bytes() == b"the server's word", step
    else:
        raise AssertionError("it never came to its end")
    assert (site.identity().folder / RECEIPT).read_bytes() == b"the server's word"


@pytest.mark.parametrize("mirror", ["mirror+1+A", "mirror+2+B"], ids=["the same server", "another"])
def test_a_receipt_goes_along_to_another_address_only_if_the_server_is_the_same(site: Site, mirror: str) -> None:
    site.enrol()
    (site.home / "1" / RECEIPT).write_bytes(b"the server's word")
    site.mirror_vkey = mirror
    site.enrol(again=True, address="elsewhere:1")
    assert (site.identity().folder / RECEIPT).exists() is (mirror == "mirror+1+A")


def test_what_sync_keeps_and_what_enrolment_brings_is_one_file() -> None:
    assert inbox.LAST_RECEIPT == device.RECEIPT == RECEIPT


def test_its_key_lies_under_the_passphrase_where_one_is_sealed(site: Site) -> None:
    def closed(_: Path) -> bytes:
        raise CredentialError("do it as root")

    failed = site.enrol(passphrase=closed)
    assert (states(failed)[0], failed[0].detail) == (StepState.FAILED, "do it as root")
    assert not site.home.exists()  # nobody was asked for the token
    site.enrol(passphrase=lambda _: b"a" * 64)
    device = (site.identity().folder / DEVICE).read_bytes()
    assert load_pem_private_key(device, b"a" * 64)
    with pytest.raises(TypeError, match="encrypted"):
        load_pem_private_key(device, None)


def test_one_that_has_expired_is_replaced_without_being_told_to(site: Site) -> None:
    site.enrol()
    site.now_days = authority.DEVICE_DAYS
    site.failure = StepError("away", Exit.UNREACHABLE)
    assert [one.failure for one in site.enrol()] == [Exit.UNREACHABLE, None]
    assert site.identity()  # and what is there stays until then


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (StepError("away", Exit.UNREACHABLE), Exit.UNREACHABLE),
        (StepError("no", Exit.NOT_PERMITTED), Exit.NOT_PERMITTED),
        (StepError("lies", Exit.BAD_DATA), Exit.BAD_DATA),
        (OSError(28, "No space left on device"), Exit.IO_ERROR),
        (StepError("no token"), Exit.IO_ERROR),
        (StepError("no token", Exit.BAD_DATA), Exit.BAD_DATA),
    ],
)
def test_a_failure_changes_nothing_and_has_its_kind(site: Site, error: Exception, failure: Exit) -> None:
    site.enrol()
    before, certificate = site.path.read_bytes(), site.identity().certificate
    site.failure = error
    reports = site.enrol(again=True)
    assert (reports[0].failure, reports[1].state) == (failure, StepState.SKIPPED)
    assert (site.path.read_bytes(), site.identity().certificate) == (before, certificate)
    site.failure = None
    assert states(site.enrol(again=True)) == [DONE, DONE]
    assert len(list(site.home.iterdir())) == 1


def test_a_configuration_that_cannot_work_with_it_leaves_the_old_one_in_force(site: Site) -> None:
    site.enrol()
    before = site.path.read_bytes()

    def objects(_: Path) -> None:
        raise StepError("no")

    assert states(site.enrol(again=True, check=objects)) == [DONE, StepState.FAILED]
    assert site.path.read_bytes() == before
    assert site.identity()


@pytest.mark.long
def test_a_kill_at_any_step_leaves_the_old_identity_whole_or_the_new_and_the_next_run_ends_it(site: Site) -> None:
    site.enrol()
    kept, old, seen = site.path.read_bytes(), site.identity().certificate, []
    for step in range(1, STEPS_MAX):
        killed = killed_at(step, partial(site.enrol, again=True))
        site.identity()
        new = site.path.read_bytes() != kept
        seen.append(new)
        if not killed:
            break
        reports = site.enrol(again=not new)
        assert all(one.state in {DONE, KEPT} for one in reports), reports
        assert site.identity().certificate != old
        kept, old = site.path.read_bytes(), site.identity().certificate
    assert not killed
    assert {False, True} == set(seen)


def test_a_token_that_was_used_up_is_not_asked_for_again(site: Site) -> None:
    """Killed between the two steps: the identity is whole, and the token burnt."""

    def objects(_: Path) -> None:
        raise StepError("killed here")

    site.enrol(check=objects)
    site.failure = StepError("used", Exit.NOT_PERMITTED)
    assert states(site.enrol()) == [KEPT, DONE]
    assert site.identity()


def test_what_is_left_of_the_old_identity_is_never_taken_for_a_newer_one(site: Site) -> None:
    """Killed while the old one was removed."""
    site.enrol()
    copied = site.folder / "copy"
    shutil.copytree(site.home / "1", copied)
    site.enrol(again=True)
    certificate = site.identity().certificate
    copied.rename(site.home / "1")
    assert states(site.enrol()) == [KEPT, KEPT]
    assert site.identity().certificate == certificate
    assert states(site.enrol(again=True)) == [DONE, DONE]
    assert [one.name for one in site.home.iterdir()] == ["3"]


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_full_disk_leaves_the_old_identity(site: Site, step: str) -> None:
    site.enrol()
    before, certificate = site.path.read_bytes(), site.identity().certificate

    def run() -> None:
        (failed,) = [one for one in site.enrol(again=True) if one.state is StepState.FAILED]
        raise OSError(failed.detail)

    assert "No space left" in refused(run, at=step)
    assert (site.path.read_bytes(), site.identity().certificate) == (before, certificate)


def test_an_authority_that_is_none_has_its_kind(site: Site) -> None:
    (site.folder / "ca.pem").write_text("nonsense")
    assert site.enrol()[0].failure is Exit.BAD_DATA
    (site.folder / "ca.pem").unlink()
    assert site.enrol()[0].failure is Exit.IO_ERROR
    assert not site.home.exists()
