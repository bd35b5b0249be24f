"""One mistake, one exit code, whatever the command: a missing file is 74 and says what to do next, an unknown name is 2."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from gate.cli import officer
from gate_core.command_line.tree import application

RUNNER = CliRunner()


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--config"),
        ("selftest", "--config"),
        ("config", "show", "--config"),
        ("officer", "list", "--config"),
        ("run", "lane", "--config"),
        ("support-bundle", "--config"),
    ],
    ids=" ".join,
)
def test_a_configuration_that_is_not_there_is_74_and_the_next_step_is_named(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = RUNNER.invoke(
        application(["config", "officer", "run", "selftest", "status", "support-bundle"]),
        [*words, str(tmp_path / "absent.toml")],
    )
    assert (done.exit_code, done.stdout) == (74, "")
    assert "cannot be read: No such file or directory; name the file with --config" in done.stderr


# Each needs a file that is not there, `{absent}`; `{here}` is one that is, and is nothing of the kind.
NEED_A_FILE = (
    "policy check {absent}",
    "policy diff {absent} {here}",
    "config approve {absent} --serial 1 --key {here} --name a@b.example --note {absent}",
    "config vkey --name a@b.example --key {absent}",
    "document verify-sod {absent} --trust {here}",
    "document verify-seal {absent} --trust {here}",
    "document inspect --lds {absent} --trust {here}",
    "document inspect --lds {folder} --trust {absent}",
    "trust list --store {absent}",
    "trust report --store {absent}",
    "trust import {absent} --store {folder}/new.store",
    "audit verify {here} --vkey {absent}",
    "audit decrypt {here} --identity {absent} --purpose trial",
    "audit report {here} --identity {here} --vkey {absent} --out {folder}/out.html",
    "face compare {absent} {absent}",
    "provision --answers {absent} --root {folder}/new",
    "barrier replay {absent}",
    "officer present --gate g --key {absent}",
    "conformity --run {absent}",
    "config check --config {absent}",
    "central serve --dir {absent}",
    "central fleet --dir {absent}",
    "central token gate-1 --dir {absent}",
)
# Each is given a folder where it needs a file, or the other way round.
OF_ANOTHER_KIND = {
    "policy check {folder}": "name a file",
    "trust list --store {folder}": "name a file",
    "document inspect --lds {here} --trust {here}": "name a folder",
}
# These write no file of settings themselves.
SHOWN = {
    "console serve --config {absent}": "docs/guides/officer.md",
    "exchange serve --config {absent}": "docs/protocols/exchange.md",
    "officer authority list --config {absent}": "docs/guides/officer.md",
}


@pytest.mark.parametrize("line", NEED_A_FILE)
def test_a_file_that_is_not_there_is_74_and_the_next_step_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(officer, "configured", lambda _: SimpleNamespace(gate_id="g"))
    here = tmp_path / "here"
    here.write_text("nothing of the kind")
    (tmp_path / "EF_SOD.bin").write_bytes(b"0")
    files = {"absent": tmp_path / "absent", "here": here, "folder": tmp_path}
    words = [word.format(**files) for word in line.split()]
    done = RUNNER.invoke(application([words[0]]), words)
    assert done.exit_code == 74, done.output
    told = done.output.splitlines()[-1]
    assert "absent" in told
    assert re.search(r"; (check the path|name the cloned folder|run gate central init)", told), told


@pytest.mark.parametrize("line", [*OF_ANOTHER_KIND, *SHOWN])
def test_what_is_of_another_kind_or_made_by_no_command_is_74_and_the_next_step_is_the_right_one(
    tmp_path: Path, line: str
) -> None:
    here = tmp_path / "here"
    here.write_text("nothing of the kind")
    words = line.format(folder=tmp_path, here=here, absent=tmp_path / "absent").split()
    done = RUNNER.invoke(application([words[0]]), words)
    step = OF_ANOTHER_KIND.get(line) or f"{SHOWN[line]} shows one, and --config names it"
    assert (done.exit_code, done.output.splitlines()[-1].rpartition("; ")[2]) == (74, step), done.output


def test_a_folder_without_a_list_or_certificate_is_bad_data_and_makes_no_store(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = RUNNER.invoke(
        application(["trust"]), ["trust", "import", str(tmp_path / "empty"), "--store", str(tmp_path / "store")]
    )
    assert (done.exit_code, done.stdout) == (65, "")
    assert "empty: no certificate or list in it; name a file, or the folder of a download" in done.stderr
    assert not (tmp_path / "store").exists()


def test_what_is_no_picture_is_bad_data_whichever_command_reads_it(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("hello")
    for words in (["document", "read-mrz", str(text)], ["face", "compare", str(text), str(text)]):
        done = RUNNER.invoke(application(words[:1]), words)
        assert (done.exit_code, "neither JPEG, JPEG 2000 nor PNG" in done.stderr) == (65, True), done.output


def test_a_scenario_that_nobody_wrote_is_an_unknown_name() -> None:
    done = RUNNER.invoke(application(["demo"]), ["demo", "--scenario", "nosuch", "--headless"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no scenario nosuch: one of " in done.stderr
    assert "genuine" in done.stderr
