"""gate.toml: strict, and demo parts never run in service."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from fakes.small_gate import NOTICE

from drivers.reader.settings import PageCamera, PageFolder
from gate.programs.lane.rules import rules_of
from gate.programs.shared.config import Config, load
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.reasons import Reason
from gate_core.evidence.service_scope import EU, EVERYBODY, BorderDirection, Service, Travellers
from gate_core.settings.config_file import ConfigError, zone_of
from gate_core.settings.toml_file import Problem

UNTIL_WHEN = {key: value for key, value in NOTICE.items() if key != "results_kept_days"}
TABLE: dict[str, Any] = {
    "purpose": "trial",
    "gate_id": "gate-0001",
    "operator": "border.example",
    "barrier": {"port": "/dev/portcullis-barrier", "profile": "acme"},
    "swipe": {"port": "/dev/portcullis-swipe"},
    "camera": {"address": "https://192.0.2.7/", "certificate_sha256": "ab" * 32},
    "audit": {"recipients": ["age1a", "age1b"]},
    "notice": NOTICE,
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "gate.toml"
    path.write_bytes(tomli_w.dumps({**TABLE, **changes}).encode())
    return path


def test_defaults_fill_what_is_not_said(tmp_path: Path) -> None:
    config = load(written(tmp_path))
    assert isinstance(config, Config)
    assert config.origin == "border.example/gate-0001/trial"
    assert config.socket("lane") == Path("/run/portcullis-lane/lane.sock")
    assert config.sync is None


def test_a_lane_of_two_doors_has_a_barrier_for_each_and_sensors_between_them(tmp_path: Path) -> None:
    two = load(written(tmp_path, first_barrier={"port": "/dev/first"}, sensors={"port": "/dev/inside"}))
    assert two.first_driven is not None
    assert two.first_driven.port == "/dev/first"
    assert rules_of(two).policy.two_doors
    chip = {"driver": "contacts", "port": "/dev/gpiochip0", "profile": "perco-pulse"}
    wired = load(written(tmp_path, barrier=chip, first_barrier=chip, sensors={"port": "/dev/inside"}))
    assert wired.driven == wired.first_driven, "two doors may be wired to one chip"
    watching = load(written(tmp_path, mode="shadow", first_barrier={"port": "x"}, sensors={"port": "y"}))
    assert watching.first_driven is None
    assert not rules_of(load(written(tmp_path))).policy.two_doors


def test_a_lane_that_has_a_sensor_unit_decides_nothing_without_its_word(tmp_path: Path) -> None:
    assert rules_of(load(written(tmp_path, sensors={"port": "/dev/inside"}))).policy.sensors
    assert not rules_of(load(written(tmp_path))).policy.sensors


def test_a_gate_drives_a_barrier_and_one_that_only_watches_none(tmp_path: Path) -> None:
    gate = load(written(tmp_path))
    assert (gate.mode, gate.driven) == ("gate", gate.barrier)
    watching = load(written(tmp_path, mode="shadow"))
    assert (watching.barrier, watching.driven) == (gate.barrier, None)
    bare = {name: table for name, table in TABLE.items() if name != "barrier"}
    (tmp_path / "bare.toml").write_bytes(tomli_w.dumps({**bare, "mode": "shadow"}).encode())
    assert load(tmp_path / "bare.toml").driven is None
    (tmp_path / "bare.toml").write_bytes(tomli_w.dumps(bare).encode())
    with pytest.raises(ConfigError, match="a gate needs its table"):
        load(tmp_path / "bare.toml")


def test_a_site_says_what_its_lane_may_serve(tmp_path: Path) -> None:
    assert rules_of(load(written(tmp_path))).service == Service()
    rules = {"directions": ["exit", "entry"], "travellers": {"crew": {"nationalities": ["PHL", "D"]}}}
    service = rules_of(load(written(tmp_path, rules=rules))).service
    assert service.directions == (BorderDirection.EXIT, BorderDirection.ENTRY)
    assert service.groups == (EVERYBODY, EU, Travellers("crew", ("PHL", "D")))


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"directions": []}, "directions"),
        ({"directions": ["entry", "entry"]}, "directions: each of them once"),
        ({"without_entry_record": "nobody"}, "without_entry_record: nobody is no group of travellers here"),
        (
            {"camera_inside_zone": True, "camera_sees_zone": False},
            "camera_sees_zone: a camera that compares within the zone sees it",
        ),
        ({"directions": ["both"]}, r"rules\.directions"),
        ({"travellers": {"eu": {"nationalities": ["GBR"]}}}, "travellers.eu: every gate has this group"),
        ({"travellers": {"all": {"nationalities": ["GBR"]}}}, "travellers.all: every gate has this group"),
        ({"travellers": {"Crew": {"nationalities": ["GBR"]}}}, "travellers"),
        ({"travellers": {"crew": {"nationalities": []}}}, "travellers"),
        ({"travellers": {"crew": {"nationalities": ["DEU"]}}}, r"rules\.travellers\.crew: DEU is no nationality"),
        ({"travellers": {"crew": {"nationality": ["GBR"]}}}, "travellers"),
    ],
)
def test_what_no_lane_could_serve_is_a_configuration_error(tmp_path: Path, rules: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        rules_of(load(written(tmp_path, rules=rules)))


@pytest.mark.parametrize("name", ["UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Etc/GMT+12"])
def test_the_gates_place_is_a_time_zone_that_the_machine_knows(tmp_path: Path, name: str) -> None:
    assert load(written(tmp_path)).time_zone == "UTC"
    config = load(written(tmp_path, time_zone=name))
    assert zone_of(config.time_zone).key == name


def test_a_control_centre_is_asked_only_where_one_is_named(tmp_path: Path) -> None:
    assert load(written(tmp_path)).document.control_centre == ""
    path = "/run/portcullis-centre/centre.sock"
    assert load(written(tmp_path, document={"control_centre": path})).document.control_centre == path


def test_a_gate_in_service_has_an_origin_without_a_mark(tmp_path: Path) -> None:
    assert load(written(tmp_path, purpose="service")).origin == "border.example/gate-0001"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"purpose": "production"}, "purpose"),
        ({"typo": 1}, "typo"),
        (
            {
                "audit": {
                    "recipients": ["age1a", "age1b"],
                    "holds": [{"first": date(2026, 2, 2), "last": date(2026, 2, 1)}],
                }
            },
            "last: is before first, 2026-02-02",
        ),
        ({"barrier": {"port": "x", "baud": "fast"}}, "barrier.baud"),
        ({"barrier": {"port": "x", "poll_ms": 5}}, "barrier.poll_ms"),
        ({"sensors": {"port": "x", "poll_ms": 500}}, "sensors.poll_ms"),
        ({"sensors": {"port": "x", "driver": "telepathy"}}, "sensors.driver"),
        ({"sensors": {"profile": "acme"}}, "sensors.port: is missing"),
        ({"sensors": {"port": "/dev/portcullis-barrier"}}, "sensors.port: is barrier.port, too"),
        ({"first_barrier": {"port": "/dev/first"}}, "two doors needs"),
        (
            {"first_barrier": {"port": "/dev/portcullis-barrier"}, "sensors": {"port": "x"}},
            "first_barrier.port: is barrier.port, too",
        ),
        ({"first_barrier": {"port": "x"}, "sensors": {"port": "x"}}, "sensors.port: is first_barrier.port, too"),
        ({"first_barrier": {"port": "x", "poll_ms": 5}, "sensors": {"port": "y"}}, "first_barrier.poll_ms"),
        ({"rules": {"face_match_min": 1.5}}, "rules.face_match_min"),
        ({"gate_id": "Gate 1"}, "gate_id"),
        ({"swipe": {"port": "x", "driver": "telepathy"}}, "swipe.driver"),
        ({"swipe": {"port": "x", "driver": "stx"}}, "swipe.profile: is missing"),
        ({"swipe": {"port": "x", "driver": "text", "profile": "stx-plain"}}, "swipe.profile: unknown setting"),
        ({"screens": {"host": "0.0.0.0"}}, "screens.host"),
        ({"time_zone": "Atlantis/Capital"}, "time_zone: 'Atlantis/Capital' is no time zone"),
        ({"time_zone": "CEST"}, "time_zone"),
        ({"time_zone": "europe/amsterdam"}, "time_zone"),
        ({"time_zone": "Europe"}, "time_zone"),
        ({"time_zone": "right/Europe/Amsterdam"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": "/usr/share/zoneinfo/UTC"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": "X" * 65}, "time_zone"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(written(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"chip": {"driver": "direct", "socket": "/x"}}, "direct"),
        ({"barrier": {"port": "/dev/x", "profile": "portcullis-sim"}}, "simulator"),
        ({"barrier": {"port": "/dev/pts/3", "profile": "acme"}}, "pseudo-terminal"),
        (
            {"sensors": {"port": "/dev/x", "profile": "portcullis-sim"}},
            r"sensors.profile: .*portcullis-sim is the simulator",
        ),
        ({"sensors": {"port": "/dev/pts/3", "profile": "acme"}}, r"sensors.port: .*/dev/pts/3 is a pseudo-terminal"),
        ({"audit": {"recipients": ["age1a"]}}, "two auditors"),
        ({"audit": {"recipients": ["age1a", "age1a"]}}, "two auditors"),
        ({"notice": UNTIL_WHEN}, r"notice\.results_kept_days: .* is missing.*gate config approve$"),
    ],
)
def test_service_refuses_what_belongs_to_a_demo_and_to_keep_results_for_good(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    load(written(tmp_path, **changes))
    with pytest.raises(ConfigError, match=complaint):
        load(written(tmp_path, purpose="service", **changes))


PIN = {"certificate_sha256": ":".join(["AB"] * 32)}
RISK = {"plain_http_risk": "alone on a cable within the cabinet"}
HTTP, HTTPS = "http://192.0.2.7/", "https://192.0.2.7/"
USB = {"driver": "v4l2", "address": "/dev/v4l/by-id/usb-camera-index0"}
SENSOR = {"driver": "gstreamer", "address": "nvarguscamerasrc sensor-id=0 ! nvvidconv"}


@pytest.mark.parametrize(
    ("camera", "refused"),
    [
        ({"address": HTTPS, **PIN}, []),
        ({"address": HTTPS, "authorities": "/etc/portcullis/cameras.pem"}, []),
        ({"address": HTTP}, ["camera.address", "camera.challenge"]),
        ({"address": HTTP, "challenge": True}, ["camera.address"]),
        ({"address": HTTP, **RISK}, ["camera.challenge"]),
        ({"address": HTTP, "challenge": True, **RISK}, []),
        ({"address": HTTP, "challenge": True, "credentials": "camera", **RISK}, []),
        (USB, ["camera.challenge"]),
        ({**USB, "challenge": True}, []),
        (SENSOR, []),
        ({**SENSOR, "address": "v4l2src ! jpegdec"}, ["camera.challenge"]),
        ({**SENSOR, "address": "libcamerasrc ! videoconvert"}, ["camera.challenge"]),
        ({**SENSOR, "address": "rtspsrc location=rtsp://192.0.2.7/ ! nvarguscamerasrc "}, ["camera.challenge"]),
        ({**SENSOR, "address": "udpsrc name= nvarguscamerasrc ! jpegdec"}, ["camera.challenge"]),
    ],
)
def test_service_refuses_a_camera_in_whose_place_another_could_speak(
    tmp_path: Path, camera: dict[str, Any], refused: list[str]
) -> None:
    """With neither, an animated still passed every check of the face chain for 3 of 10 people."""
    load(written(tmp_path, camera=camera))
    path = written(tmp_path, purpose="service", camera=camera)
    if not refused:
        load(path)
        return
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [problem.key for problem in caught.value.problems] == refused
    assert all(problem.line is not None and "service refuses" in str(problem) for problem in caught.value.problems)


def test_service_refuses_a_document_camera_over_http_whose_risk_nobody_named(tmp_path: Path) -> None:
    for page in ({"address": HTTP, **RISK}, {"address": HTTPS, **PIN}, {"address": USB["address"]}):
        load(written(tmp_path, purpose="service", page=page))
    with pytest.raises(ConfigError, match=r"\d: page\.address: purpose = service refuses: http can be read"):
        load(written(tmp_path, purpose="service", page={"address": HTTP}))


@pytest.mark.parametrize("table", ["camera", "page"])
@pytest.mark.parametrize(
    ("camera", "complaint"),
    [
        ({"address": HTTPS}, r"\.address: nothing tells this camera from another"),
        ({"address": HTTPS, **PIN, "authorities": "/a.pem"}, r"\.authorities: .* leave out one"),
        ({"address": HTTPS, **PIN, **RISK}, r"\.plain_http_risk: is for an http address"),
        ({"address": HTTP, **PIN}, r"\.certificate_sha256: is for an https address"),
        ({"address": HTTP, "authorities": "/a.pem"}, r"\.authorities: is for an https address"),
        ({"address": HTTP, "credentials": "camera"}, r"\.credentials: would cross the network in clear"),
        (
            {"address": HTTP + "?user=lane&password=x"},
            r"\.address: holds a password, which would cross the network in clear",
        ),
        ({"address": HTTP + "s?USR=lane&PWD=x"}, r"\.address: holds a password"),
        ({"address": HTTP + "s?loginpas=x"}, r"\.address: holds a password"),
        ({"address": HTTP, "plain_http_risk": "yes"}, r"\.plain_http_risk"),
        ({"address": HTTPS, "certificate_sha256": "ab" * 31}, r"\.certificate_sha256"),
        ({"address": "rtsp://192.0.2.7/stream1"}, r"\.address: rtsp is not read, .* MJPEG stream over https"),
        ({"address": "HTTP://192.0.2.7/"}, r"\.address: .* no network camera's address"),
        ({"address": "ftp://192.0.2.7/"}, r"\.address: .* no network camera's address"),
        ({"address": "http://192.0.2.7/a b"}, r"\.address: .* no network camera's address"),
        ({"address": "http://192.0.2.7:0/"}, r"\.address: .* no network camera's address"),
    ],
)
def test_keys_of_a_network_cameras_link_go_with_its_address(
    tmp_path: Path, table: str, camera: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=rf"\d: {table}{complaint}"):
        load(written(tmp_path, **{table: camera}))


@pytest.mark.parametrize(
    "camera", [{"address": HTTP + "?pwd=x", **RISK}, {"address": HTTPS + "?pwd=x", **PIN}, {"address": HTTP + "?s=pwd"}]
)
def test_a_password_in_an_address_may_cross_the_network_where_the_risk_is_named_or_nobody_reads_it(
    tmp_path: Path, camera: dict[str, Any]
) -> None:
    load(written(tmp_path, camera=camera))


def test_a_document_camera_on_usb_has_no_keys_of_a_network_cameras(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"page\.certificate_sha256: is for a network camera"):
        load(written(tmp_path, page={"address": USB["address"], **PIN}))


def test_files_that_are_no_configuration_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file"):
        load(tmp_path / "absent.toml")
    for content in (b"\xff\xfe", b"[", b"#" * (1024 * 1024 + 1)):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(ConfigError):
            load(tmp_path / "bad.toml")


def test_nothing_waits_for_what_is_no_file_or_reads_it_without_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", tmp_path, Path("/dev/zero")):
        with pytest.raises(ConfigError, match="cannot be read: it is no file") as raised:
            load(path)
        assert raised.value.is_unreadable
        unplaced = ConfigError(Problem("gate_id", "is none"))
        assert unplaced.placed(path) is unplaced  # as a command does that says where something is wrong
    (tmp_path / "link.toml").symlink_to(written(tmp_path))
    assert load(tmp_path / "link.toml") == load(tmp_path / "gate.toml")


def test_a_page_source_may_stand_in_for_the_serial_reader_or_beside_it(tmp_path: Path) -> None:
    page = {"driver": "camera", "address": "http://10.0.0.7/stream"}
    both = load(written(tmp_path, page=page))
    assert both.swipe is not None
    assert both.page is not None
    assert both.page == PageCamera(address="http://10.0.0.7/stream")
    alone = {key: value for key, value in TABLE.items() if key != "swipe"}
    path = tmp_path / "gate.toml"
    path.write_bytes(tomli_w.dumps({**alone, "page": {"driver": "folder", "path": "/run/scanner"}}).encode())
    config = load(path)
    assert config.swipe is None
    assert config.page == PageFolder(path="/run/scanner")
    path.write_bytes(tomli_w.dumps(alone).encode())
    with pytest.raises(ConfigError, match="documents need a reader"):
        load(path)


@pytest.mark.parametrize("address", ["http://192.0.2.7:8080/stream", "http://[2001:db8::7]/", "http://localhost/"])
def test_a_network_camera_has_an_address_and_no_name(tmp_path: Path, address: str) -> None:
    assert load(written(tmp_path, camera={"address": address})).camera.address == address
    assert load(written(tmp_path, page={"address": address})).page is not None
    for table in ("camera", "page"):
        with pytest.raises(
            ConfigError, match=rf"\d: {table}\.address: name the camera by its IP address and not as camera.local"
        ):
            load(written(tmp_path, **{table: {"address": "http://camera.local/stream"}}))
    with pytest.raises(ConfigError, match=r"\d: camera\.address: .* no network camera's address"):
        load(written(tmp_path, camera={"address": "camera"}))


def test_no_address_of_a_camera_holds_a_password(tmp_path: Path) -> None:
    network, pipeline = "http://u:secret@192.0.2.7/", "rtspsrc user-id=u user-pw=secret ! decodebin"
    for table, address, driver in (
        ("camera", network, "network"),
        ("page", network, "camera"),
        ("camera", pipeline, "gstreamer"),
    ):
        with pytest.raises(ConfigError, match=rf"\d: {table}\.address: it holds a ") as refused:
            load(written(tmp_path, **{table: {"driver": driver, "address": address}}))
        assert "secret" not in str(refused.value)


def test_a_management_address_that_is_none_is_named_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\d: screens\.management: 'here' is no IP address with a port"):
        load(written(tmp_path, screens={"management": "here"}))


CONSOLE_TABLE = {"address": "192.0.2.5:8443", "certificates": "/etc/portcullis/consoles.pem"}


def test_the_console_connection_is_an_address_and_certificates(tmp_path: Path) -> None:
    console = load(written(tmp_path, console=CONSOLE_TABLE)).console
    assert console is not None
    assert console.served_at() == ("192.0.2.5", 8443)
    assert load(written(tmp_path)).console is None


@pytest.mark.parametrize(
    ("console", "screens", "why"),
    [
        ({"address": "gate.example:8443"}, {}, r"\d: console\.address: 'gate\.example:8443' is no IP address"),
        ({"address": "192.0.2.5"}, {}, r"console\.address: .* is no IP address with a port"),
        ({"certificates": None}, {}, r"console\.certificates: is missing"),
        ({"address": None}, {}, r"console\.address: is missing"),
        ({}, {"management": CONSOLE_TABLE["address"]}, r"console\.address: is served already"),
    ],
)
def test_an_invalid_console_connection_is_named_by_its_key(
    tmp_path: Path, console: dict[str, Any], screens: dict[str, str], why: str
) -> None:
    table = {key: value for key, value in {**CONSOLE_TABLE, **console}.items() if value is not None}
    with pytest.raises(ConfigError, match=why):
        load(written(tmp_path, console=table, screens=screens))


@pytest.mark.parametrize(
    "page",
    [
        {"driver": "camera"},
        {"driver": "camera", "address": "http://a/", "path": "/b"},
        {"driver": "folder", "address": "http://a/"},
        {"driver": "telescope", "address": "http://a/"},
    ],
)
def test_a_page_source_has_the_place_that_its_driver_needs(tmp_path: Path, page: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"\d: page\."):
        load(written(tmp_path, page=page))


def test_the_rules_may_list_checks_of_the_page_by_name(tmp_path: Path) -> None:
    rules = {"page_checks_refer": ["dull_paper", "printed_portrait_chip"]}
    listed = load(written(tmp_path, rules=rules)).rules.page_checks_refer
    assert listed == (PageCheckId.DULL_PAPER, PageCheckId.PRINTED_PORTRAIT_CHIP)
    with pytest.raises(ConfigError, match="page_checks_refer"):
        load(written(tmp_path, rules={"page_checks_refer": ["colour"]}))


def test_the_rules_may_list_reasons_that_take_(tmp_path: Path) -> None:
    rules = load(written(tmp_path, rules={"two_officers_for": ["test_document"]})).rules
    assert rules.two_officers_for == (Reason.TEST_DOCUMENT,)
    assert load(written(tmp_path)).rules.two_officers_for == ()
    for wrong in (["colour"], ["test_document", "test_document"], "test_document"):
        with pytest.raises(ConfigError, match=r"\d: rules.two_officers_for"):
            load(written(tmp_path, rules={"two_officers_for": wrong}))
