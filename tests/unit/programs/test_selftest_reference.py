"""The picture and the document of the self-test: what is in order is found so, and what was changed is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.programs import selftest
from gate.programs.shared.config import Audit, Config, Paths
from gate_core.errors import NotWellError
from gate_core.evidence.screen import Purpose


def config(models: Path) -> Config:
    return Config(
        purpose=Purpose.DEMO,
        gate_id="g",
        operator="o",
        paths=Paths(models=str(models)),
        barrier=Modbus(port="none-barrier"),
        swipe=Elyctis(port="none-swipe"),
        camera=Network(address="http://127.0.0.1:1/"),
        audit=Audit(recipients=("age1x",)),
    )


@pytest.fixture
def reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that may be changed."""
    copy = tmp_path / "reference"
    shutil.copytree(selftest.REFERENCE, copy)
    monkeypatch.setattr(selftest, "REFERENCE", copy)
    return copy


async def test_the_specimen_is_in_order(tmp_path: Path) -> None:
    assert "are successful" in await selftest.TESTS["reference_document"](config(tmp_path))


@pytest.mark.parametrize("name", ["EF_DG1.bin", "EF_DG2.bin", "EF_SOD.bin"])
async def test_a_specimen_that_was_changed_is_not(reference: Path, tmp_path: Path, name: str) -> None:
    content = bytearray((reference / name).read_bytes())
    content[len(content) // 2] ^= 1
    (reference / name).write_bytes(content)
    with pytest.raises(NotWellError, match="is not judged so"):
        await selftest.TESTS["reference_document"](config(tmp_path))


async def test_without_its_anchors_it_is_not(reference: Path, tmp_path: Path) -> None:
    (reference / "trust.sqlite").unlink()
    with pytest.raises(NotWellError, match="trust store"):
        await selftest.TESTS["reference_document"](config(tmp_path))


async def test_its_page_is_read_as_it_is_printed(tmp_path: Path) -> None:
    assert "as it is printed" in await selftest.TESTS["reference_page"](config(tmp_path))


async def test_another_page_is_not(reference: Path, tmp_path: Path) -> None:
    (reference / "EF_DG1.bin").write_bytes(b"another")
    with pytest.raises(NotWellError, match="not read as it is printed"):
        await selftest.TESTS["reference_page"](config(tmp_path))
