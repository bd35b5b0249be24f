"""The central server hands out a repository of updates: to enrolled gates only, in part, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from central_fakes.server import GATE_ID, Server
from core_fakes.sealed_log import SealedLog
from cryptography import x509


class Repository:
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
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


async def test_a_gate_gets_files_whole_or_from_a_byte_on(repository: Repository) -> None:
    whole = await repository.get("updates/metadata/timestamp.json", repository.certificate)
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    rest = await repository.get("updates/metadata/timestamp.json", repository.certificate, range="bytes=4-")
    assert (rest.status_code, rest.content) == (206, b"456789")
    assert (await repository.get("updates/targets/lists/ab.lists.zip", repository.certificate)).content == b"zip"


async def test_a_stranger_gets_nothing(repository: Repository) -> None:
    assert (await repository.get("updates/metadata/timestamp.json", None)).status_code == 403


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
async def test_nothing_beside_the_repository_is_served(repository: Repository, path: str) -> None:
    (repository.repo.parent / "secret").write_text("secret")
    (repository.repo / "metadata" / "linked.json").symlink_to(repository.repo.parent / "secret")
    (repository.repo / "drafts").mkdir()
    (repository.repo / "drafts" / "root.json").write_text("draft")
    assert (await repository.get(f"updates/{path}", repository.certificate)).status_code == 404


async def test_a_gate_is_offered_the_release_of_its_group_and_no_other_groups(repository: Repository) -> None:
    def offers(group: str | None) -> None:
        repository.server.canary = lambda device: group if device == GATE_ID else None
        repository.server.show([repository.server.authority.certificate])

    for name in ("early", "other"):
        (repository.repo / "groups" / name / "metadata").mkdir(parents=True)
        (repository.repo / "groups" / name / "metadata" / "timestamp.json").write_text(name)
    for group, offered in ((None, "0123456789"), ("early", "early"), ("nobodys", "0123456789")):
        offers(group)
        assert (await repository.get("updates/metadata/timestamp.json", repository.certificate)).text == offered
        for path in ("groups/other/metadata/timestamp.json", "metadata/%2e%2e/groups/other/metadata/timestamp.json"):
            assert (await repository.get(f"updates/{path}", repository.certificate)).status_code == 404
    offers("early")
    missing = await repository.get("updates/targets/lists/ab.lists.zip", repository.certificate)
    assert missing.status_code == 404, "a group's repository is whole: nothing of the others' is mixed in"


async def test_a_server_without_a_repository_has_none(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    (tmp_path / "again").mkdir()
    server = Server.over(f"sqlite:///{tmp_path / 'again' / 'central.sqlite'}")
    repository.server, repository.certificate = server, server.enrol(SealedLog(tmp_path / "again").signer.verifier)
    assert (await repository.get("updates/metadata/timestamp.json", repository.certificate)).status_code == 404
