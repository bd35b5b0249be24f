"""A dry crossing of this version, beside whatever runs: opened, referred, recorded and verified, without a barrier's driver."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pyrage
import pytest
import tomli_w
from document_fakes.inspections import NOW
from document_fakes.sample_passports import utopia

from gate.cli.models import default_folder
from gate.programs.dry_crossing import cross
from gate.programs.shared.config import Config, load
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate_core.errors import NotWellError

pytestmark = pytest.mark.faces


def configured(folder: Path, models: Path) -> Config:
    """A gate of whose devices none is there: a dry crossing needs none of them."""
    recipients = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]
    table = {
        "purpose": "trial",
        "gate_id": "north-7",
        "operator": "border.example",
        "paths": {"models": str(models), "trust": str(folder / "trust.sqlite")},
        "barrier": {"port": "/dev/portcullis-barrier", "profile": "portcullis-sim"},
        "swipe": {"port": "/dev/portcullis-swipe"},
        "camera": {"address": "http://192.0.2.7/stream"},
        "audit": {"recipients": recipients},
    }
    files = {**utopia().csca_files(), **utopia().crl_files()}
    sources = [read_source(name, content) for name, content in files.items()]
    import_sources(folder / "trust.sqlite", sources, signer=None, test=True, now=NOW)
    (folder / "gate.toml").write_bytes(tomli_w.dumps(table).encode())
    return load(folder / "gate.toml")


def test_a_document_is_referred_and_the_records_verify(tmp_path: Path) -> None:
    config = configured(tmp_path, default_folder())
    before = sorted(tmp_path.iterdir())
    said = asyncio.run(cross(config))
    assert re.fullmatch(r"referred \(.*inspecting (→ recording )?→ referred\), \d+ records verified", said)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.long
async def test_a_version_whose_models_are_not_there_is_not_well(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotWellError, match=r"not ready: vision.*is missing: run `gate models fetch`"):
        # As long as a program that lacks something tries again: so late has it said by when much else runs.
        await cross(configured(tmp_path, tmp_path / "empty"), ready_s=30.0)


@pytest.mark.long
async def test_a_program_that_does_not_end_is_not_well(tmp_path: Path) -> None:
    with pytest.raises(NotWellError, match="run lane did not end"):
        await cross(configured(tmp_path, default_folder()), ending_s=0.0)
