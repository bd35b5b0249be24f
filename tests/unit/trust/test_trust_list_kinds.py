"""A kind of list that we do not know is added with two files, a parser and a row, and everything that handles lists handles it."""

from __future__ import annotations

from pathlib import Path

from document_fakes.master_lists import party, signed_list
from fakes.additions import Copy

from gate.trust.freshness import in_words
from gate.trust.list_kinds import LISTS_OF_DEFECTS, MASTER_LIST

CONTENT_TYPE = "1.3.6.1.4.1.55555.1"
PARSER = '''
"""Recalls: whole types of documents that a state has called back. The content is one type after another."""

from dataclasses import dataclass
from datetime import datetime

from gate_documents.pki.known_defects import Affected, Defect, Flaw, KnownDefects
from gate_documents.pki.signed_data import SignedMessage, parse_signed_message

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
from gate_documents.pki.certificate import parse_certificate
from gate.trust.store import TrustStore
signer = parse_certificate(Path(sys.argv[2]).read_bytes())
print([entry.affected.document_type for entry in TrustStore.open(Path(sys.argv[1])).known_defects(signer)])
"""


def test_a_new_kind_of_list_takes_a_parser_and_a_row(tmp_path: Path) -> None:
    copy = Copy.into(tmp_path / "copy")
    copy.add("documents/src/gate_documents/pki/recalls.py", PARSER)
    copy.edit("gate/trust/list_kinds.py", ("import defect_list,", "import recalls, defect_list,"), (TABLE, TABLE + ROW))
    assert copy.touched() == ["documents/src/gate_documents/pki/recalls.py", "gate/trust/list_kinds.py"]
    csca = party("CSCA")
    signer = party("Recalls", issuer=csca, authority=False)
    (tmp_path / "csca.cer").write_bytes(csca.der)
    (tmp_path / "recalls.bin").write_bytes(signed_list(signer, b"PD ID", content_type=CONTENT_TYPE))
    store = tmp_path / "trust.sqlite"
    imported = copy.gate("trust", "import", tmp_path / "csca.cer", tmp_path / "recalls.bin", "--store", store)
    assert (imported["certificates"], imported["rejected"]) == (1, [])
    (listed,) = copy.gate("trust", "list", "--store", store)["lists"]
    assert (listed["kind"], listed["publisher"]) == ("RecallNotice", "UT")
    (reported,) = copy.gate("trust", "report", "--store", store)["lists"]
    assert (reported["kind"], reported["publisher"]) == ("recall_notice", "UT")
    (tmp_path / "signer.cer").write_bytes(signer.der)
    assert copy.run("-c", OPENED, store, tmp_path / "signer.cer") == "['PD', 'ID']\n"


def test_a_kind_is_called_by_its_words_and_by_a_name_that_stores_have_since_version_2() -> None:
    names = [MASTER_LIST.name, *(kind.name for kind in LISTS_OF_DEFECTS)]
    assert names == ["MasterList", "DeviationList", "DefectList"]
    assert [*map(in_words, names)] == ["master list", "deviation list", "defect list"]
