"""`gate config`: every problem at once with file, key and line, the canonical text, and what differs between two configurations."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from datetime import date
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import pyrage
import pytest
import tomli_w
from fakes.small_gate import NOTICE
from typer.testing import CliRunner

from gate_core.approval.canonical import read
from gate_core.command_line.tree import verbs
from models.manifest import load

TABLE: dict[str, Any] = {
    "purpose": "demo",
    "gate_id": "north-7",
    "operator": "border.example",
    "barrier": {"port": "/dev/portcullis-barrier", "profile": "lot"},
    "swipe": {"port": "/dev/portcullis-swipe"},
    "camera": {
        "address": "https://192.0.2.7/stream",
        "certificate_sha256": "ab" * 32,
        "credentials": "/etc/portcullis/camera",
    },
}


@pytest.fixture
def auditors() -> list[str]:
    return [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]


@pytest.fixture
def path(tmp_path: Path, auditors: list[str]) -> Path:
    """A sound configuration."""
    (tmp_path / "models").mkdir()
    return written(tmp_path / "gate.toml", paths={"models": str(tmp_path / "models")}, audit={"recipients": auditors})


def written(path: Path, **changes: Any) -> Path:
    path.write_bytes(tomli_w.dumps({**TABLE, **changes}).encode())
    return path


def changed(path: Path, **changes: Any) -> Path:
    path.write_bytes(tomli_w.dumps({**tomllib.loads(path.read_text()), **changes}).encode())
    return path


def ran(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(verbs("config"), [str(word) for word in words])
    assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
    return done.stdout


def problems(path: Path, code: int = 78) -> list[tuple[str, str, int | None, str]]:
    """What `check` finds: the file's name, key, line, problem."""
    told = json.loads(ran("check", "--config", path, "--json", code=code))
    assert told["schema"] == "config.check/1"
    assert not told["ok"]
    return [(Path(one["file"]).name, one["key"], one["line"], one["problem"]) for one in told["problems"]]


def line_with(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_a_sound_configuration_is_well_and_has_a_digest(path: Path) -> None:
    told = json.loads(ran("check", "--config", path, "--json"))
    assert (told["ok"], told["problems"]) == (True, [])
    assert told["digest"] in ran("check", "--config", path)


def test_all_problems_of_the_file_are_said_at_once_with_their_lines(path: Path) -> None:
    changed(
        path,
        gate_id="North 7",
        swipe={"port": "x", "driver": "telepathy"},
        rules={"liveness_mim": 0.6, "directions": ["both"], "grant_ttl_ms": 5},
        screens={"port": 80},
    )
    found = {(key, line): why for file, key, line, why in problems(path) if file == "gate.toml"}
    assert found[("gate_id", line_with(path, "gate_id"))].startswith("Expected `str` matching")
    assert (
        found[("swipe.driver", line_with(path, "telepathy"))]
        == "'telepathy' is none of elyctis, stx, text, imager, keyboard, outside"
    )
    assert found[("rules.liveness_mim", line_with(path, "liveness_mim"))] == "unknown setting; is liveness_min meant?"
    assert found[("rules.directions.0", line_with(path, "directions"))] == "'both' is none of entry, exit"
    assert found[("rules.grant_ttl_ms", line_with(path, "grant_ttl_ms"))] == "Expected `int` >= 1000, not 5"
    assert ("screens.port", line_with(path, "port = 80")) in found
    assert len(found) == 6


def test_what_contradicts_itself_is_said_at_once_and_names_the_other_key(path: Path) -> None:
    changed(path, swipe={"port": "/dev/portcullis-barrier"}, first_barrier={"port": "/dev/f"}, time_zone="Mars/North")
    found = {key: why for _, key, _, why in problems(path)}
    assert found.keys() == {"swipe.port", "first_barrier", "time_zone"}
    assert "is barrier.port, too: /dev/portcullis-barrier" in found["swipe.port"]


def test_what_only_a_running_program_would_refuse_is_found_as_well(path: Path, tmp_path: Path) -> None:
    (tmp_path / "models" / "site.toml").write_text('schema = 1\n[profiles]\nours = "one"\n')
    changed(
        path,
        barrier={"port": "/dev/b", "profile": "nowhere"},
        swipe={"port": "/dev/s", "driver": "stx", "profile": "none"},
        rules={"travellers": {"crew": {"nationalities": ["DEU"]}}},
        audit={"recipients": ["age1no", "age1no"]},
        screens={"languages": ["en", "tlh"]},
        sync={"address": "c:1", "identity": "/nowhere/identity", "mirror_vkey": "x"},
    )
    found = {(file, key): (line, why) for file, key, line, why in problems(path)}
    assert found.keys() == {
        ("gate.toml", "barrier.profile"),
        ("gate.toml", "swipe.profile"),
        ("gate.toml", "rules.travellers.crew"),
        ("gate.toml", "audit.recipients"),
        ("gate.toml", "screens.languages"),
        ("gate.toml", "sync.mirror_vkey"),
        ("gate.toml", "sync.identity"),
        ("site.toml", "profiles.ours"),
    }
    assert found["site.toml", "profiles.ours"][0] == 3
    assert found["gate.toml", "screens.languages"][0] == line_with(path, "languages")


def test_what_would_leave_a_list_or_register_without_an_answer_is_found(path: Path) -> None:
    changed(
        path,
        registers={
            "lists": {"stolen-documents": {"agency": "police.example", "keys": ["no key"]}},
            "online": {
                "lost": {"adapter": "lost_documents", "not_for": ["UTO", "XYQ"]},
                "entry-exit": {
                    "adapter": "entry_exit",
                    "address": "https://ees.example",
                    "authorities": "/nowhere/a.pem",
                },
            },
        },
    )
    found = {key: why for _, key, _, why in problems(path)}
    assert found.keys() == {
        "registers.lists.stolen-documents.keys",
        "registers.online.lost.address",
        "registers.online.lost.not_for",
        "registers.online.entry-exit.authorities",
        "registers.online.entry-exit.certificate",
    }
    assert found["registers.online.lost.not_for"].startswith("XYQ is no nationality")


def test_a_table_of_registers_that_asks_none_or_contradicts_itself_is_refused(path: Path) -> None:
    changed(path, registers={})
    assert [(key, why) for _, key, _, why in problems(path)] == [
        ("registers.lists", "there is none, and no register online: leave the table [registers] out")
    ]
    listed = {"agency": "police.example", "keys": ["k"]}
    day = {"title": "t", "basis": "b", "first": date(2026, 12, 9), "last": date(2026, 12, 5)}
    online = {"adapter": "lost_documents", "address": "http://127.0.0.1:1", "suspended": [day]}
    changed(path, registers={"lists": {"a": listed}, "online": {"b": online}})
    assert [key for _, key, _, _ in problems(path)] == ["registers.online.b.suspended.0.last"]
    for other in ("log.key", "device.passphrase"):
        changed(path, registers={"lists": {"a": {**listed, "secret": other}}})
        assert [key for _, key, _, _ in problems(path)] == ["registers.lists.a.secret"]
    changed(path, registers={"lists": {"a": listed}, "online": {"a": {"adapter": "lost_documents"}}})
    assert [key for _, key, _, _ in problems(path)] == ["registers.online.a"]
    changed(path, registers={"lists": {f"l{number}": listed for number in range(17)}})
    assert "registers.lists" in [key for _, key, _, _ in problems(path)]


REUSE = {"adapter": "reuse", "address": "http://127.0.0.1:1", "basis": "Border Act, Article 12a", "minutes": 30}


@pytest.mark.parametrize(
    ("online", "wrong"),
    [
        ({**REUSE, "basis": ""}, "reuse.basis"),
        ({**REUSE, "basis": "  "}, "reuse.basis"),
        ({**REUSE, "minutes": 0}, "reuse.minutes"),
        ({**REUSE, "minutes": 61}, "reuse.minutes"),
        ({**REUSE, "minutes": -1}, "reuse.minutes"),
        ({**REUSE, "names": True}, "reuse.names"),
        ({**REUSE, "not_for": ["UTO"]}, "reuse.not_for"),
        ({**REUSE, "adapter": "lost_documents", "minutes": 0}, "reuse.basis"),
        ({**REUSE, "adapter": "entry_exit", "basis": ""}, "reuse.minutes"),
    ],
    ids=range(9),
)
def test_reuse_across_gates_names_its_law_and_its_minutes_or_is_refused(
    online: dict[str, Any], wrong: str, path: Path
) -> None:
    changed(path, registers={"online": {"reuse": REUSE}})
    assert json.loads(ran("check", "--config", path, "--json"))["ok"]
    changed(path, registers={"online": {"reuse": online}})
    assert [key for _, key, _, _ in problems(path)] == [f"registers.online.{wrong}"]
    if wrong == "reuse.basis" and online["adapter"] == "reuse":
        assert "takes a law that allows it, named with its article" in problems(path)[0][3]


def test_a_site_has_one_exchange(path: Path) -> None:
    changed(path, registers={"online": {"one": REUSE, "other": REUSE}})
    assert [key for _, key, _, _ in problems(path)] == ["registers.online.other"]


def test_reuse_with_its_law_and_minutes_is_what_approvers_sign(path: Path) -> None:
    changed(path, registers={"online": {"reuse": REUSE}})
    text = ran("show", "--canonical", "--config", path)
    assert 'registers.online.reuse.basis = "Border Act, Article 12a"' in text
    assert "registers.online.reuse.minutes = 30" in text
    changed(path, registers={"online": {"reuse": {**REUSE, "minutes": 31}}})
    assert ran("show", "--canonical", "--config", path) != text


def test_a_register_that_is_asked_in_clear_is_for_demos(path: Path) -> None:
    online = {"lost": {"adapter": "lost_documents", "address": "http://127.0.0.1:1"}}
    changed(path, purpose="service", registers={"online": online})
    assert "registers.online.lost.address" in [key for _, key, _, _ in problems(path)]


def test_a_draft_is_for_demos_until_the_site_says_who_has_read_it(path: Path) -> None:
    changed(path, screens={"languages": ["en", "ar", "de"], "reviewed": {"de": "N. N., 3 March 2027"}})
    assert json.loads(ran("check", "--config", path, "--json"))["ok"], "a demo shows them, marked"
    changed(path, purpose="trial")
    found = [(key, line, why) for _, key, line, why in problems(path) if key.startswith("screens")]
    assert [(key, line) for key, line, _ in found] == [("screens.languages", line_with(path, "languages"))]
    assert found[0][2].startswith("purpose = trial refuses ar: no native speaker has reviewed its texts")
    changed(path, screens={"languages": ["en", "ar"], "reviewed": {"ar": "N. N., 3 March 2027"}})
    assert [key for _, key, _, _ in problems(path) if key.startswith("screens")] == []


def test_who_has_read_a_language_is_covered_by_the_approval(path: Path) -> None:
    changed(path, screens={"reviewed": {"ar": "N. N., 3 March 2027"}})
    assert 'screens.reviewed.ar = "N. N., 3 March 2027"' in ran("show", "--canonical", "--config", path)


def test_a_gate_in_service_says_whom_to_ask_and_where_the_whole_notice_is(path: Path) -> None:
    changed(path, purpose="service")
    assert ("notice", "purpose = service refuses") in [
        (key, why.partition(":")[0]) for _, key, _, why in problems(path)
    ]
    changed(path, notice={"contact": "privacy@border.example", "address": "https://border.example/notice"})
    assert [key for _, key, _, _ in problems(path) if "notice" in key] == ["notice.results_kept_days"]
    changed(path, notice=NOTICE)
    assert [key for _, key, _, _ in problems(path) if "notice" in key] == []
    changed(path, notice={"contact": "x", "address": "http://border.example", "results_kept_days": 0})
    assert {key for _, key, _, _ in problems(path)} >= {"notice.contact", "notice.address", "notice.results_kept_days"}


def test_a_gate_in_service_relies_on_no_liveness_model_of_which_its_own_trials_say_too_little(path: Path) -> None:
    changed(path, purpose="service", face={"profile": "standard"}, notice=NOTICE)
    found = {key: (file, line, why) for file, key, line, why in problems(path)}
    file, line, why = found["camera.pad"]
    assert (file, line) == ("gate.toml", line_with(path, "[camera]"))
    assert why.startswith("purpose = service refuses: no report from this lane says what the liveness check detects")
    models = path.parent / "models"
    species = {"print": {"errors": 150, "of": 150}, "mask": {"errors": 0, "of": 149}}
    fifths = [{"errors": 0, "of": 75, "darkest": n, "brightest": n} for n in range(5)]
    report = {
        "schema": "face.evaluate-pad/1", "model": "fr_liveness", "model_sha256": load().model("fr_liveness").sha256, "kind": "lane_camera", "bound": 0.5,
        "service": {"flagged": {"errors": 0, "of": 375}, "people": 60, "fifths": fifths, "passed": species, "apcer": species},
    }  # fmt: skip
    (models / "pad.json").write_text(json.dumps(report))
    pinned = sha256((models / "pad.json").read_bytes()).hexdigest()
    (models / "site.toml").write_text(
        f'schema = 1\n[[liveness]]\nmodel = "fr_liveness"\nreport = "pad.json"\nsha256 = "{pinned}"\n'
    )
    found = {key: (file, line, why) for file, key, line, why in problems(path)}
    file, line, why = found["face.profile"]
    assert (file, line) == ("gate.toml", line_with(path, 'profile = "standard"'))
    assert why.endswith(
        "pad.json is not enough for service: print: APCER 100.0% (150 of 150), 7% at most; mask: 149 attempts with a score, 150 wanted"
    )
    changed(
        path, camera={"address": "http://192.0.2.7/stream", "pad": {"socket": "/run/pad", "profile": "portcullis-sim"}}
    )
    assert ("camera.pad.profile", "the simulator's") in [
        (key, why.rpartition(" is ")[2]) for _, key, _, why in problems(path)
    ]


def test_a_mistake_in_a_profile_is_told_with_the_profiles_own_line(path: Path, tmp_path: Path) -> None:
    own = tmp_path / "hall-3.toml"
    text = (resources.files("drivers.profiles") / "barrier" / "lot.toml").read_text()
    own.write_text(text.replace("holding = 0x3010\ncount = 3", "holding = 0x3010\ncount = 3\ncolour = 1"))
    own.chmod(0o644)
    changed(path, barrier={"port": "/dev/b", "profile": str(own)})
    assert ("hall-3.toml", "reads.2.colour", line_with(own, "colour"), "unknown setting; is coil meant?") in problems(
        path
    )
    own.chmod(0o666)
    assert ("hall-3.toml", "", None, "can be written by others: it must be root's, mode 0644") in problems(path)


def test_a_file_that_cannot_be_read_is_another_code_than_one_with_wrong_content(path: Path, tmp_path: Path) -> None:
    assert problems(tmp_path / "absent.toml", 74) == [
        ("absent.toml", "", None, "cannot be read: No such file or directory")
    ]
    changed(path, barrier={"port": "/dev/b", "profile": "/nowhere/hall.toml"})
    assert [key for _, key, _, _ in problems(path, 74)] == [""]
    (tmp_path / "bad.toml").write_text("purpose = \n")
    ((_, _, line, why),) = problems(tmp_path / "bad.toml")
    assert (line, why) == (1, "Invalid value")
    assert ran("show", "--config", tmp_path / "bad.toml", code=78) == ""
    assert ran("diff", tmp_path / "absent.toml", path, code=74) == ""


def test_the_whole_configuration_is_shown_with_its_defaults(path: Path) -> None:
    told = tomllib.loads(ran("show", "--config", path))
    assert told["rules"]["liveness_min"] == 0.5
    assert told["barrier"]["driver"] == "modbus"
    assert told["camera"]["address"] == "https://192.0.2.7/stream"


def test_the_canonical_text_is_exact_and_covers_all_that_decisions_rest_on(path: Path) -> None:
    text = ran("show", "--config", path, "--canonical")
    told = json.loads(ran("show", "--config", path, "--canonical", "--json"))
    assert told["canonical"] == text
    assert told["digest"] == sha256(text.encode()).hexdigest()
    values = read(text.encode())
    assert values["origin"] == '"border.example/north-7/demo"'
    assert {
        "camera.address",
        "paths.trust",
        "barrier.entry_is_left",
        "audit.recipients",
        "profiles.barrier.sha256",
    } <= values.keys()
    assert {"models.fr_feature.sha256", "models.site_sha256", "signer_sha256"} <= values.keys()
    roles = {value for key, value in values.items() if key.endswith(".role")}
    assert {'"detect"', '"embed"', '"liveness"', '"mrz"'} <= roles


def test_a_difference_is_said_key_by_key_and_whether_it_needs_an_approval(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(ran("show", "--config", path, "--canonical"))
    assert "no new approval" in ran("diff", kept, path)
    other = tmp_path / "other.toml"
    other.write_text(
        "# A remark, and a default that is written down.\n" + path.read_text() + "\n[rules]\nliveness_min = 0.5\n"
    )
    assert json.loads(ran("diff", kept, other, "--json"))["same"]
    other.write_text(path.read_text().replace("demo", "trial") + "\n[rules]\nliveness_min = 0.6\n")
    told = json.loads(ran("diff", kept, other, "--json", code=1))
    assert told["needs_approval"]
    assert {"key": "rules.liveness_min", "old": "0.5", "new": "0.6"} in told["differences"]
    assert "rules.liveness_min: 0.5 -> 0.6\n" in ran("diff", kept, other, code=1)
    kept.write_text(kept.read_text()[:-1])
    assert ran("diff", kept, other, code=65) == ""


def test_a_profile_of_which_one_byte_is_changed_is_another_digest(path: Path, tmp_path: Path) -> None:
    own = tmp_path / "hall-3.toml"
    text = (resources.files("drivers.profiles") / "barrier" / "lot.toml").read_text()
    own.write_text(text)
    own.chmod(0o644)
    changed(path, barrier={"port": "/dev/b", "profile": str(own)})
    before = tmp_path / "before.txt"
    before.write_text(ran("show", "--config", path, "--canonical"))
    own.write_text(text + "#")
    told = json.loads(ran("diff", before, path, "--json", code=1))
    assert [one["key"] for one in told["differences"]] == ["profiles.barrier.sha256"]


# ── approving ────────────────────────────────────────────────────────────────────────────────────────────────────────


def vkey_of(folder: Path, name: str) -> str:
    """Make a person's key and return their line for approvers.toml."""
    return str(json.loads(ran("key", "--name", f"{name}.example", "--out", folder / f"{name}.key", "--json"))["vkey"])


def test_two_approvers_sign_on_their_own_machines_and_the_gate_takes_it(path: Path, tmp_path: Path) -> None:
    changed(path, purpose="trial", paths={"models": str(tmp_path / "models"), "approval": str(tmp_path)})
    listed = {"schema": 1, "approvers": [vkey_of(tmp_path, name) for name in ("anna", "ben", "carla")]}
    (tmp_path / "approvers.toml").write_text(tomli_w.dumps(listed))
    text, note = tmp_path / "text", tmp_path / "carried.note"
    text.write_text(ran("show", "--config", path, "--canonical"))
    digest = sha256(text.read_bytes()).hexdigest()
    (problem,) = problems(path)
    assert problem[0] == "approval.note"
    assert f"gate border.example/north-7/trial, serial 1, digest {digest}" in problem[3]

    def approved(name: str, serial: int = 1, code: int = 0) -> str:
        who = ("--key", tmp_path / f"{name}.key", "--name", f"{name}.example")
        return ran("approve", text, *who, "--serial", serial, "--note", note, code=code)

    assert f"serial 1, digest {digest}\nsigned by anna.example\n" in approved("anna")
    assert ran("install", note, "--config", path, code=78) == ""
    assert "signed by anna.example, ben.example" in approved("ben")
    assert approved("ben", serial=2, code=65) == "", "a note is over one thing"
    told = json.loads(ran("install", note, "--config", path, "--json"))
    assert (told["digest"], told["signers"]) == (digest, ["anna.example", "ben.example"])
    assert json.loads(ran("check", "--config", path, "--json"))["ok"]
    changed(path, rules={"liveness_min": 0.4})
    assert "something was changed" in problems(path)[0][3]
    assert "rules.liveness_min: 0.5 -> 0.4" in ran("diff", text, path, code=1)


def test_a_text_that_can_be_read_only_once_is_signed_as_it_was_read(path: Path, tmp_path: Path) -> None:
    vkey_of(tmp_path, "anna")
    text = ran("show", "--config", path, "--canonical").encode()
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"):
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(text)  # a pipe holds it
        who = ("--key", tmp_path / "anna.key", "--name", "anna.example", "--serial", 1, "--note", tmp_path / "n")
        told = json.loads(ran("approve", f"/dev/fd/{reading}", *who, "--json"))
    assert told["digest"] == sha256(text).hexdigest()


def test_a_key_made_by_openssl_serves_as_well(tmp_path: Path) -> None:
    pem = tmp_path / "anna.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(pem)], check=True, capture_output=True)
    pem.chmod(0o600)
    assert ran("vkey", "--key", pem, "--name", "anna.example").startswith("anna.example+")
    assert ran("vkey", "--key", pem, "--name", "Anna Example", code=2) == ""
    pem.chmod(0o644)
    assert ran("vkey", "--key", pem, "--name", "anna.example", code=77) == ""
    assert ran("vkey", "--key", tmp_path / "none", "--name", "anna.example", code=74) == ""
    (tmp_path / "text").write_text("portcullis configuration/1\nno line\n")
    who = ("--key", pem, "--name", "anna.example", "--serial", 1, "--note", tmp_path / "n")
    assert ran("approve", tmp_path / "text", *who, code=65) == ""
    assert ran("approve", tmp_path / "none", *who, code=74) == ""
    assert not (tmp_path / "n").exists()
