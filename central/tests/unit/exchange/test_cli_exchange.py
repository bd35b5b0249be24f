"""`gate exchange`: a key and its certificate for each end, and a configuration that says what is wrong with it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from cryptography import x509
from typer.testing import CliRunner

from gate_core.command_line.tree import application

SOUND: dict[str, Any] = {
    "address": "127.0.0.1:8460",
    "identity": "/nowhere/exchange.pem",
    "time_zone": "Europe/Amsterdam",
    "gates": {"north-7": "/nowhere/north-7.crt", "north-8": "/nowhere/north-8.crt"},
}


@pytest.fixture(autouse=True)
def logs_go_where_they_went() -> Iterator[None]:
    """`serve` sends its log to a standard error that ends with the test: whoever logs after it would be told."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if handler not in before:
            root.removeHandler(handler)
    root.setLevel(level)


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(application(["exchange"]), ["exchange", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(("host", "names"), [("192.0.2.30", [ip_address("192.0.2.30")]), ("exchange.site", [])])
def test_the_exchange_s_certificate_has_the_host_by_which_gates_reach_it(
    host: str, names: list[object], tmp_path: Path
) -> None:
    code, out, _ = run("init", "--out", tmp_path / "new", "--name", "exchange", "--host", host, "--json")
    told = json.loads(out)
    assert (code, told["schema"]) == (0, "exchange.init/1")
    assert Path(told["identity"]).stat().st_mode & 0o777 == 0o600
    certificate = x509.load_pem_x509_certificate(Path(told["certificate"]).read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.IPAddress) == names
    assert found.get_values_for_type(x509.DNSName) == ([] if names else [host])
    assert "PRIVATE" not in Path(told["certificate"]).read_text()


def test_a_gate_s_certificate_has_no_host_and_a_key_that_is_there_is_kept(tmp_path: Path) -> None:
    assert run("init", "--out", tmp_path, "--name", "north-7")[0] == 0
    before = (tmp_path / "north-7.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate((tmp_path / "north-7.crt").read_bytes())
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    code, _, said = run("init", "--out", tmp_path, "--name", "north-7")
    assert (code, "exists and is kept" in said) == (74, True)
    assert (tmp_path / "north-7.pem").read_bytes() == before


@pytest.mark.parametrize("words", [("--name", "North 7"), ("--name", "../x"), ("--name", "x", "--host", "b\u00fccher")])
def test_a_name_or_host_that_is_none_makes_nothing(words: tuple[str, ...], tmp_path: Path) -> None:
    code, _, said = run("init", "--out", tmp_path / "new", *words)
    assert (code, len(said.splitlines())) == (2, 1)
    assert not list(tmp_path.rglob("*.pem"))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"address": "everywhere"}, "address"),
        ({"time_zone": "Atlantis/Capital"}, "time_zone"),
        ({"gates": {"north-7": "/nowhere/north-7.crt"}}, "gates"),
        ({"gates": {"North 7": "a", "north-8": "b"}}, "gates"),
        ({"minutes": 30}, "minutes"),
        ({}, "gates.north-7"),
    ],
    ids=range(6),
)
def test_a_configuration_that_can_never_work_says_where_it_is_wrong(
    changes: dict[str, Any], key: str, tmp_path: Path
) -> None:
    path = tmp_path / "exchange.toml"
    path.write_text(tomli_w.dumps({**SOUND, **changes}))
    code, out, said = run("serve", "--config", path)
    assert code in {74, 78}, said
    assert out == ""
    assert key in said
    assert "Traceback" not in said
