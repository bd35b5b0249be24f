"""The central server hands out a repository of updates: to enrolled gates only, in part, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from central_fakes.server import GATE_ID, Server
from core_fakes.sealed_log import SealedLog
from cryptography import x509


class Shelves:
    def __init__(self, folder: Path) -> None:
        self.repo = folder / "repo"
        (self.repo / "metadata").mkdir(parents=True)
        (self.repo / "targets" / "lists").mkdir(parents=True)
        (self.repo / "metadata" / "timestamp.json").write_bytes(b"0123456789")
        (self.repo / "targets" / "lists" / "ab.lists.zip").write_bytes(b"zip")
        (folder / "log").mkdir()
        self.server = Server.over(f"sqlite:///{folder / 'central.sqlite'}", self.repo)
        self.certificate = self.server.enrol(SealedLog(folder / "log").signer.verifier)

    async def get(self, path: str, certificate: x509.Certificate | None, **headers: str) -> httpx2.Response:
        transport = self.server.transport(certificate)
        async with httpx2.AsyncClient(transport=transport, base_url="https://central.example/") as client:
            return await client.get(path, headers=headers)


@pytest.fixture
def shelves(tmp_path: Path) -> Shelves:
    return Shelves(tmp_path)


async def test_a_gate_gets_files_whole_or_from_a_byte_on(shelves: Shelves) -> None:
    whole = await shelves.get("updates/metadata/timestamp.json", shelves.certificate)
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    rest = await shelves.get("updates/metadata/timestamp.json", shelves.certificate, range="bytes=4-")
    assert (rest.status_code, rest.content) == (206, b"456789")
    assert (await shelves.get("updates/targets/lists/ab.lists.zip", shelves.certificate)).content == b"zip"


async def test_a_stranger_gets_nothing(shelves: Shelves) -> None:
    assert (await shelves.get("updates/metadata/timestamp.json", None)).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "metadata/other.json",
        "metadata/",
        "metadata",
        "drafts/root.json",
        "%2e%2e/central.sqlite",
        "metadata/%2e%2e/%2e%2e/central.sqlite",
        "targets/lists/../../../central.sqlite",
        "metadata/linked.json",
        "targets/lists",
    ],
)
async def test_nothing_beside_the_repository_is_served(shelves: Shelves, path: str) -> None:
    (shelves.repo.parent / "secret").write_text("secret")
    (shelves.repo / "metadata" / "linked.json").symlink_to(shelves.repo.parent / "secret")
    (shelves.repo / "drafts").mkdir()
    (shelves.repo / "drafts" / "root.json").write_text("draft")
    assert (await shelves.get(f"updates/{path}", shelves.certificate)).status_code == 404


async def test_a_gate_is_offered_the_release_of_its_group_and_no_other_groups(shelves: Shelves) -> None:
    def offers(group: str | None) -> None:
        shelves.server.canary = lambda device: group if device == GATE_ID else None
        shelves.server.show([shelves.server.authority.certificate])

    for name in ("early", "other"):
        (shelves.repo / "groups" / name / "metadata").mkdir(parents=True)
        (shelves.repo / "groups" / name / "metadata" / "timestamp.json").write_text(name)
    for group, offered in ((None, "0123456789"), ("early", "early"), ("nobodys", "0123456789")):
        offers(group)
        assert (await shelves.get("updates/metadata/timestamp.json", shelves.certificate)).text == offered
        for path in ("groups/other/metadata/timestamp.json", "metadata/%2e%2e/groups/other/metadata/timestamp.json"):
            assert (await shelves.get(f"updates/{path}", shelves.certificate)).status_code == 404
    offers("early")
    missing = await shelves.get("updates/targets/lists/ab.lists.zip", shelves.certificate)
    assert missing.status_code == 404, "a group's repository is whole: nothing of the others' is mixed in"


async def test_a_server_without_a_repository_has_none(tmp_path: Path) -> None:
    shelves = Shelves(tmp_path)
    (tmp_path / "again").mkdir()
    server = Server.over(f"sqlite:///{tmp_path / 'again' / 'central.sqlite'}")
    shelves.server, shelves.certificate = server, server.enrol(SealedLog(tmp_path / "again").signer.verifier)
    assert (await shelves.get("updates/metadata/timestamp.json", shelves.certificate)).status_code == 404
