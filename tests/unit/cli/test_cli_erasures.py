"""`gate audit erasure` and `erase`: two approvers sign, the log program is given the order, and what is wrong is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from core_fakes.approvals import signer, write_approvers
from typer.testing import CliRunner, Result

from gate.audit.inbox import ERASURE
from gate_core.approval.erasure import Erasure, SignedErasure
from gate_core.command_line.output import Exit
from gate_core.command_line.tree import verbs

ORIGIN = "border.example/gate-1/demo"
A, B = "aa" * 32, "bb" * 32


def run(*words: object) -> Result:
    return CliRunner().invoke(verbs("audit"), [str(word) for word in words])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    table: dict[str, Any] = {
        "purpose": "demo",
        "gate_id": "gate-1",
        "operator": "border.example",
        "paths": {"inbox": str(tmp_path / "inbox"), "approval": str(tmp_path)},
        "barrier": {"port": "/dev/b"},
        "swipe": {"port": "/dev/s"},
        "camera": {"address": "http://127.0.0.1:9/"},
        "audit": {"recipients": ["age1"]},
    }
    (tmp_path / "inbox").mkdir()
    write_approvers(tmp_path / "approvers.toml")
    (tmp_path / "gate.toml").write_text(tomli_w.dumps(table))
    return tmp_path / "gate.toml"


def signed(*persons: str) -> bytes:
    made = SignedErasure.new(Erasure(ORIGIN, (A, B)))
    for name in persons:
        made = made.signed_by(signer(name))
    return made.note.to_bytes()


def test_two_approvers_sign_one_order_each_on_their_own_machine(tmp_path: Path) -> None:
    note = tmp_path / "order.note"
    for name in ("anna.example", "ben.example"):
        made = CliRunner().invoke(verbs("config"), ["key", "--name", name, "--out", str(tmp_path / name)])
        assert made.exit_code == Exit.OK, made.output
        done = run("erasure", ORIGIN, B, A, B, "--key", tmp_path / name, "--name", name, "--note", note, "--json")
        assert done.exit_code == Exit.OK, done.output
    told = json.loads(done.stdout)
    assert (told["schema"], told["gate"], told["keys"]) == ("audit.erasure/1", ORIGIN, [A, B])
    assert told["signers"] == ["anna.example", "ben.example"]
    other = run("erasure", ORIGIN, A, "--key", tmp_path / name, "--name", name, "--note", note)
    assert (other.exit_code, "is about other keys" in other.stderr) == (Exit.BAD_DATA, True)
    wrong = run("erasure", ORIGIN, "no key", "--key", tmp_path / name, "--name", name, "--note", tmp_path / "new")
    assert (wrong.exit_code, (tmp_path / "new").exists()) == (Exit.BAD_DATA, False)


def test_an_order_is_given_to_the_log_program_once(config: Path, tmp_path: Path) -> None:
    (tmp_path / "order.note").write_bytes(signed("anna", "carla"))
    done = run("erase", tmp_path / "order.note", "--config", config, "--json")
    assert done.exit_code == Exit.OK, done.output
    assert json.loads(done.stdout)["signers"] == ["anna.example", "carla.example"]
    assert (tmp_path / "inbox" / ERASURE).read_bytes() == signed("anna", "carla")
    again = run("erase", tmp_path / "order.note", "--config", config)
    assert (again.exit_code, "another order waits" in again.stderr) == (Exit.TRY_LATER, True)


@pytest.mark.parametrize(
    ("content", "code"),
    [(signed("anna"), Exit.BAD_DATA), (b"no order", Exit.BAD_DATA), (None, Exit.IO_ERROR)],
    ids=["one signature", "no order", "no file"],
)
def test_what_is_no_order_is_not_given(config: Path, tmp_path: Path, content: bytes | None, code: Exit) -> None:
    if content is not None:
        (tmp_path / "order.note").write_bytes(content)
    done = run("erase", tmp_path / "order.note", "--config", config)
    assert (done.exit_code, list((tmp_path / "inbox").iterdir())) == (code, [])
    assert "Traceback" not in done.output
