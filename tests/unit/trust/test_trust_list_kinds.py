"""A kind of list that we do not know is added with two files, a parser and a row, and everything that handles lists handles it."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.master_lists import party, signed_list

from gate.trust.freshness import in_words
from gate.trust.list_kinds import LISTS_OF_CERTIFICATES, LISTS_OF_DEFECTS

ROOT = Path(__file__).parents[3]
CONTENT_TYPE = "1.3.6.1.4.1.55555.1"
PARSER = '''
"""Recalls: whole types of documents that a state has called back. The content is one type after another."""

from dataclasses import dataclass
from datetime import datetime

from gate.document.pki.known_defects import Affected, Defect, Flaw, KnownDefects
from gate.document.pki.signed import SignedMessage, parse_signed_message

CONTENT_TYPE = "1.3.6.1.4.1.55555.1"


@dataclass(frozen=True)
class Recalls:
    message: SignedMessage
    entries: tuple[KnownDefects, ...]
    signed_at: datetime

    def verify(self):
        return self.message.verify()


def parse_recalls(data):
    message = parse_signed_message(data, "a list of recalls")
    types = message.content.decode("ascii").split()
    entries = tuple(KnownDefects(Affected(document_type=one), (Defect(Flaw.CHIP),)) for one in types)
    return Recalls(message, entries, message.signers[0].signing_time)
'''
TABLE = "LISTS_OF_DEFECTS: Final[tuple[ListKind[TellsDefects], ...]] = (\n"
ROW = '    ListKind("RecallNotice", recalls.CONTENT_TYPE, recalls.parse_recalls, Vouching.ANY_CSCA),\n'
OPENED = """
import sys
from pathlib import Path
from gate.document.pki.certificate import parse_certificate
from gate.trust.store import TrustStore
signer = parse_certificate(Path(sys.argv[2]).read_bytes())
print([entry.affected.document_type for entry in TrustStore.open(Path(sys.argv[1])).known_defects(signer)])
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product with one more kind of list."""
    shutil.copytree(ROOT / "gate", tmp_path / "gate", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "gate/document/pki/recalls.py").write_text(PARSER)
    table = tmp_path / "gate/trust/list_kinds.py"
    text = table.read_text().replace("import defect_list,", "import recalls, defect_list,")
    assert TABLE in text
    table.write_text(text.replace(TABLE, TABLE + ROW))
    return tmp_path


def run(copy: Path, *arguments: str | Path) -> str:
    path = os.pathsep.join(map(str, (copy, ROOT)))
    done = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def gate(copy: Path, *arguments: str | Path) -> Any:
    return json.loads(run(copy, "-m", "gate.cli", *arguments, "--json"))


def other(ours: Path, copied: Path) -> list[str]:
    """The files of the product that are not as they were."""
    compared = filecmp.dircmp(ours, copied, ignore=["__pycache__"])
    below = [f"{name}/{one}" for name in compared.common_dirs for one in other(ours / name, copied / name)]
    return [*compared.diff_files, *compared.right_only, *below]


def test_a_new_kind_of_list_takes_a_parser_and_a_row(copy: Path) -> None:
    assert sorted(other(ROOT / "gate", copy / "gate")) == ["document/pki/recalls.py", "trust/list_kinds.py"]
    csca = party("CSCA")
    signer = party("Recalls", issuer=csca, authority=False)
    (copy / "csca.cer").write_bytes(csca.der)
    (copy / "recalls.bin").write_bytes(signed_list(signer, b"PD ID", content_type=CONTENT_TYPE))
    store = copy / "trust.sqlite"
    imported = gate(copy, "trust", "import", copy / "csca.cer", copy / "recalls.bin", "--store", store)
    assert (imported["certificates"], imported["rejected"]) == (1, [])
    (listed,) = gate(copy, "trust", "list", "--store", store)["lists"]
    assert (listed["kind"], listed["publisher"]) == ("RecallNotice", "UT")
    (reported,) = gate(copy, "trust", "report", "--store", store)["lists"]
    assert (reported["kind"], reported["publisher"]) == ("recall_notice", "UT")
    (copy / "signer.cer").write_bytes(signer.der)
    assert run(copy, "-c", OPENED, store, copy / "signer.cer") == "['PD', 'ID']\n"


def test_a_kind_is_called_by_its_words_and_by_a_name_that_stores_have_since_version_2() -> None:
    names = [kind.name for kind in (*LISTS_OF_CERTIFICATES, *LISTS_OF_DEFECTS)]
    assert names == ["MasterList", "DeviationList", "DefectList"]
    assert [*map(in_words, names)] == ["master list", "deviation list", "defect list"]
