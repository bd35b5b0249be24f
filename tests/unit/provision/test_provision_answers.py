"""A technician's answers: as a file, strictly and with their lines, and one by one on a terminal."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pyrage
import pytest

from gate.provision.answers import SiteAnswers, checked, read
from gate.provision.questions import QUESTIONS, flat, table_of
from gate.provision.steps import StepError
from gate_core.command_line.output import Exit
from gate_core.settings.toml_file import TomlFile

AUDITORS = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]
GOOD = f"""by = "Anna Example"
operator = "border.example"
gate_id = "north-7"
purpose = "trial"
auditors = {AUDITORS!r}

[barrier]
port = "/dev/portcullis-barrier"
profile = "lot"
baud = 9600

[swipe]
port = "/dev/portcullis-swipe"

[camera]
address = "http://192.0.2.7/stream"

[pad]
socket = "/run/vendor-pad/pad.sock"
profile = "/etc/portcullis/profiles/vendor-pad.toml"

[skip]
tailgate = "alone today"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "answers.toml"
    path.write_text(text)
    return path


def test_a_file_becomes_a_configuration(tmp_path: Path) -> None:
    answers = read(written(tmp_path, GOOD))
    table = answers.configuration(tmp_path)
    assert table["barrier"] == {"driver": "modbus", "profile": "lot", "baud": 9600, "port": "/dev/portcullis-barrier"}
    assert table["camera"] == {
        "address": "http://192.0.2.7/stream",
        "pad": {"socket": "/run/vendor-pad/pad.sock", "profile": "/etc/portcullis/profiles/vendor-pad.toml"},
    }
    assert answers.skip == {"tailgate": "alone today"}


NOTICE = '[notice]\nresults_kept_days = 30\ncontact = "privacy@border.example"\naddress = "https://border.example/n"\n'


def test_a_gate_in_service_says_how_long_results_are_kept_and_whom_to_ask(tmp_path: Path) -> None:
    service = GOOD.replace('"trial"', '"service"').replace('stream"', 'stream"\nlink = "alone on its cable"')
    assert read(written(tmp_path, service + NOTICE)).configuration(tmp_path)["notice"] == {
        "results_kept_days": 30,
        "contact": "privacy@border.example",
        "address": "https://border.example/n",
    }
    for line in NOTICE.splitlines()[1:]:
        with pytest.raises(
            StepError, check=lambda error: error.code is Exit.BAD_DATA, match=rf"notice\.{line.split()[0]}: say "
        ):
            read(written(tmp_path, service + NOTICE.replace(line, "")))
    with pytest.raises(
        StepError,
        check=lambda error: error.code is Exit.BAD_DATA,
        match=r"notice\.address: 'http://border.example': say ",
    ):
        read(written(tmp_path, service + NOTICE.replace("https://border.example/n", "http://border.example")))
    assert "notice" not in read(written(tmp_path, GOOD)).configuration(tmp_path), "a trial may leave it out"


HTTPS, WHY, PIN = "https://192.0.2.7/", "alone on its cable", "ab" * 32


@pytest.mark.parametrize(
    ("purpose", "address", "link", "made"),
    [
        ("trial", HTTPS, PIN, {"certificate_sha256": PIN}),
        ("service", HTTPS, "/etc/cameras.pem", {"authorities": "/etc/cameras.pem"}),
        ("trial", "http://192.0.2.7/", "", {}),
        ("service", "http://192.0.2.7/", WHY, {"plain_http_risk": WHY, "challenge": True}),
        ("service", "/dev/v4l/by-id/usb-camera-index0", "", {"driver": "v4l2", "challenge": True}),
        ("trial", "/dev/v4l/by-id/usb-camera-index0", "", {"driver": "v4l2"}),
        ("trial", HTTPS, "", None),
        ("trial", HTTPS, "cd" * 31, None),
        ("service", "http://192.0.2.7/", "", None),
        ("trial", "http://192.0.2.7/", "yes", None),
        ("trial", "/dev/v4l/by-id/usb-camera-index0", PIN, None),
    ],
)
def test_what_shows_a_cameras_pictures_to_be_its_own_becomes_its_key(
    tmp_path: Path, purpose: str, address: str, link: str, made: dict[str, object] | None
) -> None:
    text = GOOD.replace('"trial"', f'"{purpose}"') + NOTICE
    for key in ("camera", "page"):
        named = f'address = "{address}"' if key == "camera" else f'source = "{address}"'
        linked = f'\nlink = "{link}"' if link else ""
        before = '[camera]\naddress = "http://192.0.2.7/stream"'
        known = {"trial": "", "service": f'\nlink = "{WHY}"'}[purpose]
        after = f"[camera]\n{named}{linked}" if key == "camera" else f"{before}{known}\n[page]\n{named}{linked}"
        file = written(tmp_path, text.replace(before, after))
        if made is None:
            with pytest.raises(
                StepError, check=lambda error: error.code is Exit.BAD_DATA, match=rf"{key}\.link: (give|is for)"
            ):
                read(file)
            continue
        table = read(file).configuration(tmp_path)[key]
        assert isinstance(table, dict)
        table.pop("pad", None)
        wanted = (
            made
            if key == "camera"
            else {**{one: made[one] for one in made if one not in {"challenge", "driver"}}, "driver": "camera"}
        )
        assert table == {**wanted, "address": address}


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('gate_id = "north-7"', 'gateid = "north-7"', r":3: gateid: unknown setting; is gate_id meant"),
        ('profile = "lot"', 'prophile = "lot"', r":9: barrier.prophile: unknown setting; is profile meant"),
        ('profile = "lot"', 'profile = "lots"', r":9: barrier.profile: 'lots' is no profile"),
        ("baud = 9600", 'baud = "fast"', r":10: barrier.baud: Expected `int"),
        ('address = "http://192.0.2.7/stream"', 'address = "camera"', r":16: camera.address: 'camera' is neither"),
        (
            'tailgate = "alone today"',
            'tailgating = "x"',
            r"skip.tailgating: there is no such step; there are configuration",
        ),
        ('tailgate = "alone today"', 'log_key = "x"', "skip.log_key: without this step there is no gate"),
        ('purpose = "trial"', 'purpose = "party"', r":4: purpose: 'party': a purpose is one of demo, trial, service"),
        ('by = "Anna Example"', "by = ", r":1: "),
        ('[swipe]\nport = "/dev/portcullis-swipe"', '[central]\naddress = "c:1"', "takes address, ca and token_file"),
        ('[swipe]\nport = "/dev/portcullis-swipe"', "", "documents need a reader"),
    ],
)
def test_what_is_wrong_in_a_file_has_its_line(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    assert before in GOOD
    with pytest.raises(StepError, check=lambda error: error.code is Exit.BAD_DATA, match=complaint):
        read(written(tmp_path, GOOD.replace(before, after)))


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(StepError, match="cannot read"):
            read(path)


def test_a_file_without_end_or_text_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    for raw in (b"\xff\xfe", b"a" * 70_000):
        path.write_bytes(raw)
        with pytest.raises(StepError, check=lambda error: error.code is Exit.BAD_DATA):
            read(path)


def test_answers_by_their_keys_and_as_a_file_are_the_same() -> None:
    table = {key: value for key, value in tomllib.loads(GOOD).items() if key != "skip"}
    whole = checked(table, TomlFile("here", GOOD))
    given = {key: value for key, value in flat(msgspec.to_builtins(whole)).items() if not key.startswith("skip")}
    assert checked(table_of(given), TomlFile("there", "")) == whole


def test_each_key_that_is_asked_for_is_one_of_a_file() -> None:
    keys = {question.key for question in QUESTIONS}
    numbers = {"barrier.baud": "9600", "eyes_cm": "160", "notice.results_kept_days": "160"}
    given: dict[str, str | list[str]] = {**dict.fromkeys(keys, "x"), **numbers, "auditors": ["a"], "lists.files": ["f"]}
    whole = TomlFile("here", "").fitted(table_of(given), SiteAnswers)
    assert whole.gate_id == "x"
