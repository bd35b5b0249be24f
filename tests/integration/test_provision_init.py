"""`gate provision init`: from nothing to a configuration, keys and models, and nothing is overwritten."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyrage
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.pad.settings import PadSensor
from drivers.reader.settings import PageCamera, PageFolder, PageSettings, Stx
from drivers.sensors import settings as sensors_of
from gate.cli.models import default_folder
from gate.cli.provision import app
from gate.device_certificate import credentials
from gate.programs.shared.config import load
from gate.provision import tpm_seal
from gate.provision.steps import StepState, carry_out
from gate_core.audit_format import keys

AUDITORS = tuple(str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2))


def init(root: Path, *more: str, auditors: tuple[str, ...] = AUDITORS) -> tuple[int, dict[str, Any], str]:
    arguments = ["--operator", "border.example", "--gate-id", "gate-1", "--barrier", "/dev/b", "--swipe", "/dev/s"]
    arguments += ["--camera", "http://127.0.0.1:1/stream", "--purpose", "trial", "--root", str(root), "--json", *more]
    for auditor in auditors:
        arguments += ["--auditor", auditor]
    done = CliRunner().invoke(app, ["init", *arguments])
    return done.exit_code, json.loads(done.stdout) if done.stdout else {}, done.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A bare folder that borrows the models that are there already."""
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "models").symlink_to(default_folder())
    return tmp_path / "gate"


def test_a_bare_machine_becomes_a_configured_gate(root: Path) -> None:
    code, document, _ = init(root)
    assert code == 0
    states = {step["id"]: step["state"] for step in document["steps"]}
    assert states == {
        "configuration": "done",
        "folders": "done",
        "log_key": "done",
        "models": "kept",
    }
    config = load(root / "gate.toml")
    assert config.audit.recipients == AUDITORS
    assert keys.load(root / "keys/log.key", config.origin).verifier.name == "border.example/gate-1/trial"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ("--camera", "http://camera.local/stream"),
            "--camera: name the camera by its IP address and not as camera.local",
        ),
        (("--camera", "http://u:secret@192.0.2.7/"), "--camera: it holds a user or a password"),
        (("--page", "rtsp://u:secret@192.0.2.7/"), "--page: it holds a user or a password"),
        (("--camera", "nonsense"), "neither a network camera's address such as http://192.0.2.7/stream"),
        (("--camera", "http://[::1/stream"), "neither a network camera's address"),
        (("--camera", "/dev/video0"), "--camera: '/dev/video0': name a USB camera by /dev/v4l/by-id/"),
        (("--barrier", "ttyUSB0"), "--barrier: 'ttyUSB0' is no device's path such as /dev/portcullis-barrier"),
        (("--swipe", "COM1"), "--swipe: 'COM1' is no device's path"),
        (("--profile", "lots"), "--profile: 'lots' is no profile for this; there are lot, portcullis-sim, relay-8"),
        (("--profile", "ds205a"), "--profile: 'ds205a' is no profile for this; there are lot"),
        (("--barrier-driver", "canbus"), "--barrier-driver: 'canbus' is none of modbus, modbus-tcp, framed, contacts"),
        (
            ("--sensors", "/dev/i", "--sensors-profile", "x"),
            "--sensors-profile: 'x' is no profile for this; there are inputs-8",
        ),
        (("--swipe-driver", "stx"), "--swipe-profile: '' is no profile of driver stx; there are rte-native, stx-plain"),
        (("--swipe-profile", "honeywell"), "the driver elyctis has no profiles"),
        (("--chip", "nfc"), "--chip: 'nfc' is none of pcsc, direct"),
        (("--page", "ftp://192.0.2.7/x"), "--page: 'ftp://192.0.2.7/x' is neither"),
        (("--pad", "pad.sock"), "--pad: 'pad.sock' is no socket's path of 107 characters at most, such as /run/"),
        (("--pad", "/" + "s" * 107), "at most, such as /run/vendor-pad/pad.sock"),
        (
            ("--pad", "/run/p.sock", "--pad-profile", "vendor"),
            "--pad-profile: 'vendor' is no profile for this; there are portcullis-sim",
        ),
        (("--pad", "/run/p.sock", "--pad-user", "Vendor"), "--pad-user: 'Vendor' is no user's name such as sensor"),
        (("--operator", "Border Example"), "--operator: 'Border Example' is no domain's name"),
    ],
)
def test_nonsense_is_named_with_what_would_be_right(root: Path, words: tuple[str, ...], complaint: str) -> None:
    code, _, message = init(root, *words)
    assert code == 2
    assert complaint in message
    assert not (root / "gate.toml").exists()


def test_a_usb_camera_has_its_own_driver(root: Path) -> None:
    assert init(root, "--camera", "/dev/v4l/by-id/usb-acme-index0")[0] == 0
    assert load(root / "gate.toml").camera.driver == "v4l2"


def test_another_option_of_a_second_run_is_told_and_not_written(root: Path) -> None:
    init(root)
    _, document, _ = init(root, "--camera", "http://192.0.2.9/stream")
    (told,) = [step["detail"] for step in document["steps"] if step["id"] == "configuration"]
    assert 'not written: camera.address = "http://192.0.2.9/stream" (it says "http://127.0.0.1:1/stream")' in told
    assert load(root / "gate.toml").camera.address == "http://127.0.0.1:1/stream"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--page", "/run/scanner"), 'page.path = "/run/scanner" (it says nothing)'),
        (("--page", "http://192.0.2.7/page"), 'page.address = "http://192.0.2.7/page" (it says nothing)'),
        (("--profile", "lot"), 'first_barrier.profile = "lot" (it says "relay-8")'),
        (("--barrier-driver", "modbus-tcp"), 'first_barrier.driver = "modbus-tcp" (it says "modbus")'),
    ],
)
def test_an_option_of_a_second_run_that_writes_several_keys_is_told_by_each(
    root: Path, words: tuple[str, str], told: str
) -> None:
    doors = ("--first-barrier", "/dev/f", "--sensors", "/dev/i", "--sensors-profile", "inputs-8")
    init(root, "--profile", "relay-8", *doors)
    _, document, _ = init(root, *doors, *words)
    (said,) = [step["detail"] for step in document["steps"] if step["id"] == "configuration"]
    assert told in said


def test_what_comes_next_is_told(root: Path) -> None:
    arguments = ["init", "--operator", "border.example", "--gate-id", "g", "--swipe", "/dev/s", "--purpose", "trial"]
    arguments += ["--camera", "http://127.0.0.1:1/", "--root", str(root)]
    done = CliRunner().invoke(app, [*arguments, *(word for one in AUDITORS for word in ("--auditor", one))])
    assert done.stdout.splitlines()[-1].startswith("next     gate provision --root")


@pytest.mark.parametrize(
    ("page", "settings"),
    [
        ("http://192.0.2.7/page", PageCamera(address="http://192.0.2.7/page")),
        ("/dev/v4l/by-id/page", PageCamera(address="/dev/v4l/by-id/page")),
        ("/run/scanner", PageFolder(path="/run/scanner")),
    ],
)
def test_a_gate_that_reads_the_page_needs_no_serial_reader(root: Path, page: str, settings: PageSettings) -> None:
    code, _, _ = init(root, "--swipe", "", "--page", page)
    config = load(root / "gate.toml")
    assert (code, config.swipe, config.page) == (0, None, settings)


def test_documents_need_a_reader(root: Path) -> None:
    code, _, message = init(root, "--swipe", "")
    assert code == 2
    assert "--swipe, --page, or both" in message


def test_the_document_reader_is_configured_as_named(root: Path) -> None:
    init(root, "--swipe-driver", "stx", "--swipe-profile", "rte-native")
    reader = load(root / "gate.toml").swipe
    assert isinstance(reader, Stx)
    assert (reader.profile, reader.port) == ("rte-native", "/dev/s")


def test_a_lane_of_two_doors_has_boards_of_one_kind_and_a_sensor_unit(root: Path) -> None:
    sensors = ("--sensors", "/dev/i", "--sensors-profile", "inputs-8")
    code, _, message = init(root, "--profile", "lot", "--first-barrier", "/dev/f")
    assert (code, (root / "gate.toml").exists()) == (2, False)
    assert "--sensors between them" in message
    assert init(root, "--profile", "lot", "--first-barrier", "/dev/f", *sensors)[0] == 0
    config = load(root / "gate.toml")
    assert isinstance(config.barrier, Modbus)
    assert config.first_barrier == replace(config.barrier, port="/dev/f")
    assert isinstance(config.sensors, sensors_of.Modbus)
    assert (config.sensors.line, config.sensors.profile) == ("/dev/i", "inputs-8")


def test_a_lane_of_one_door_may_have_a_sensor_unit(root: Path) -> None:
    assert init(root, "--sensors", "/dev/i")[0] == 0
    config = load(root / "gate.toml")
    assert config.first_barrier is None
    assert config.sensors is not None


def test_a_sensor_beside_the_camera_is_written_whole_or_refused(root: Path) -> None:
    sensor = ("--pad", "/run/vendor-pad/pad.sock", "--pad-user", "vendor-pad")
    code, _, message = init(root, *sensor)
    assert (code, (root / "gate.toml").exists()) == (2, False)
    assert "--pad-profile: '' is no profile for this" in message
    assert init(root, *sensor, "--pad-profile", "portcullis-sim")[0] == 0
    assert load(root / "gate.toml").camera.pad == PadSensor(
        socket="/run/vendor-pad/pad.sock", profile="portcullis-sim", user="vendor-pad"
    )
    _, document, _ = init(root, "--pad", "/run/other.sock", "--pad-profile", "portcullis-sim")
    (said,) = [step["detail"] for step in document["steps"] if step["id"] == "configuration"]
    assert 'camera.pad.socket = "/run/other.sock" (it says "/run/vendor-pad/pad.sock")' in said


def test_the_officers_authority_is_named_or_there_are_no_officers(root: Path) -> None:
    key = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
    code, _, message = init(root, "--officers", "A6EHv")
    assert code == 2
    assert "44 characters" in message
    init(root)
    assert load(root / "gate.toml").officers is None
    (root / "gate.toml").unlink()
    init(root, "--officers", key)
    officers = load(root / "gate.toml").officers
    assert officers is not None
    assert officers.authority == key


def test_a_second_run_keeps_everything(root: Path) -> None:
    init(root)
    before = {path: path.read_bytes() for path in (root / "gate.toml", root / "keys/log.key")}
    code, document, _ = init(root, "--chip", "direct")
    assert code == 0
    assert {step["state"] for step in document["steps"]} == {"kept"}
    assert [step["detail"] for step in document["steps"] if step["detail"]] == [
        f'not written: chip.driver = "direct" (it says "pcsc"). Change {root / "gate.toml"} itself'
    ]
    assert before == {path: path.read_bytes() for path in before}


def test_a_configuration_that_is_there_and_can_never_work_is_told(root: Path) -> None:
    (root / "gate.toml").write_text('purpose = "party"\n')
    code, document, _ = init(root)
    assert code == 78
    (step,) = document["steps"]
    assert (step["id"], step["state"]) == ("configuration", "failed")
    assert "purpose" in step["detail"]
    assert (root / "gate.toml").read_text() == 'purpose = "party"\n'


@pytest.mark.parametrize(
    ("auditors", "complaint"),
    [(AUDITORS[:1], "two auditors"), ((AUDITORS[0],) * 2, "twice"), ((*AUDITORS, "age1nonsense"), "no age recipient")],
)
def test_auditors_that_cannot_read_are_refused(root: Path, auditors: tuple[str, ...], complaint: str) -> None:
    code, _, message = init(root, auditors=auditors)
    assert code == 2
    assert complaint in message
    assert not (root / "gate.toml").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--gate-id", "North 7"), "small letters"),
        (("--purpose", "party"), "demo, trial, service"),
        (("--purpose", ""), "demo, trial, service"),
        (("--profile", ""), "--profile: '' is no profile for this"),
        (("--chip", ""), "--chip: '' is none of pcsc, direct"),
    ],
)
def test_an_answer_that_can_never_be_right_is_a_wrong_word(root: Path, words: tuple[str, ...], complaint: str) -> None:
    code, _, message = init(root, *words)
    assert code == 2
    assert complaint in message
    assert not (root / "gate.toml").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    code, document, _ = init(tmp_path / "file" / "gate")
    assert code == 74
    assert document["steps"][0]["detail"].startswith("cannot write")
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "spool").write_text("no folder")
    code, document, _ = init(tmp_path / "gate")
    assert code == 74
    assert "spool: " in document["steps"][1]["detail"]


def test_a_network_camera_is_written_with_what_shows_that_it_is_the_one(root: Path) -> None:
    _, _, said = init(root, "--purpose", "service")
    assert "--camera-link: give the camera an https address, or say in 10 to 300 characters why http" in said
    address = ("--camera", "https://192.0.2.7/stream")
    for wrong in ((), ("--camera-link", "ab" * 31)):
        code, _, said = init(root, *address, *wrong)
        assert (code, "--camera-link: give the SHA-256 of the camera's certificate" in said) == (2, True)
    assert init(root, *address, "--camera-link", "AB:" * 31 + "AB", "--page", "http://192.0.2.8/")[0] == 0
    made = load(root / "gate.toml")
    assert isinstance(made.camera, Network)
    assert (made.camera.certificate_sha256, made.camera.challenge) == ("AB:" * 31 + "AB", False)
    _, document, _ = init(root, *address, "--camera-link", "/etc/portcullis/cameras.pem", "--page", "http://192.0.2.8/")
    assert 'camera.authorities = "/etc/portcullis/cameras.pem"' in str(document)


def test_demo_parts_are_refused_in_service(root: Path) -> None:
    service = ("--purpose", "service", "--camera-link", "on a cable in the cabinet")
    code, _, said = init(root, *service)
    assert (code, "--results-kept-days: say for how many days results are kept" in said) == (2, True)
    told = ("--contact", "privacy@border.example", "--notice-address", "https://border.example/n")
    code, document, _ = init(root, *service, "--results-kept-days", "30", *told)
    assert code == 78
    assert document["steps"][0]["state"] == "failed"
    assert "simulator" in document["steps"][0]["detail"]
    assert not (root / "gate.toml").exists()


@pytest.mark.skipif(shutil.which("systemd-creds") is None or os.geteuid() != 0, reason="systemd-creds, as root")
def test_a_report_is_signed_and_checked_where_the_log_key_is_sealed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(words: list[str], told: bytes) -> bytes:
        return b"" if words[0] == "systemctl" else credentials.run(words, told)

    monkeypatch.setenv("SYSTEMD_CREDENTIAL_SECRET", str(tmp_path / "host.secret"))
    init(root)
    units, identities = tmp_path / "units", root / "identity"
    steps = tpm_seal.seal_steps(
        root / "keys", units, identities, sync_runs=lambda: False, with_key="host", command=command
    )
    assert StepState.FAILED not in {one.state for one in carry_out(steps)}
    config = ["report", "--config", str(root / "gate.toml"), "--json"]
    made = CliRunner().invoke(app, config)
    assert made.exit_code == 0, made.stderr
    page = json.loads(made.stdout)["report"]["page"]
    assert CliRunner().invoke(app, [*config, "--verify", page]).exit_code == 0
    monkeypatch.setenv("SYSTEMD_CREDENTIAL_SECRET", str(tmp_path / "another.secret"))
    refused = CliRunner().invoke(app, config)
    assert (refused.exit_code, "do it as root, on the machine that sealed it" in refused.stderr) == (74, True)
