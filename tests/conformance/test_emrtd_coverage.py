"""Every file of the shared travel document data is verified or explained, and docs/document-coverage.md says which and why."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from document_fakes.anchors import ListedAnchors
from shared_data import SHARED_DATA

from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_documents import tlv
from gate_documents.checks import Result
from gate_documents.errors import DocumentError, MalformedError
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.card_security import parse_card_security
from gate_documents.lds.dg2 import Encoding, parse_dg2
from gate_documents.lds.dg3 import count_fingerprints
from gate_documents.lds.dg11 import parse_dg11
from gate_documents.lds.dg12 import parse_dg12
from gate_documents.lds.dg14 import parse_dg14
from gate_documents.lds.security_infos import Cipher, KeyAgreement, Mapping, PaceInfo
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.path import find_issuer

ROOT = Path(__file__).resolve().parents[2]
DATA = SHARED_DATA / "emrtd"
PAGE = ROOT / "docs/document-coverage.md"
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)

pytestmark = pytest.mark.conformance


def data(name: str) -> bytes:
    return (DATA / name).read_bytes()


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    store = tmp_path_factory.mktemp("trust") / "german.sqlite"
    root = parse_certificate(data("masterlist/DE_ROOT_CA_CSCA07.cer"))
    import_sources(store, [read_source("DE", data("masterlist/DE_ML_2026-05-28.ml"))], signer=root, test=False, now=NOW)
    return TrustStore.open(store)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def listed_patterns() -> list[str]:
    """The file patterns of the page's tables of data: the first cells, in backquotes."""
    section = PAGE.read_text().partition("## The data")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([^|]*) \|", section, flags=re.MULTILINE)
    return [pattern for cell in cells for pattern in re.findall(r"`([^`]+)`", cell)]


def test_every_file_of_the_data_has_its_row_and_every_row_its_files() -> None:
    patterns = listed_patterns()
    covered = {pattern: {path for path in DATA.glob(pattern) if path.is_file()} for pattern in patterns}
    assert [pattern for pattern, found in covered.items() if not found] == []
    files = {path for path in DATA.rglob("*") if path.is_file()}
    assert {str(path.relative_to(DATA)) for path in files - set().union(*covered.values())} == set()


# ── what is verified here and nowhere else ───────────────────────────────────────────────────────────────────────────


def test_the_finnish_card_security_verifies_up_to_the_german_list(german: TrustStore) -> None:
    read = parse_card_security(data("cardsecurity/FI.cardsecurity.bin"))
    path = find_issuer(read.message.verify(), german, NOW)
    assert path.result is Result.SUCCESSFUL
    assert [(one.mapping, one.cipher, one.parameter_id) for one in read.infos.pace] == [
        (Mapping.GENERIC, Cipher.AES_256, 16),
        (Mapping.CHIP_AUTHENTICATION, Cipher.AES_256, 16),
    ]
    assert [(key.agreement, key.key_id) for key in read.infos.chip_keys] == [(KeyAgreement.ECDH, 16)]


def test_a_changed_byte_of_it_is_noticed(german: TrustStore) -> None:
    whole = data("cardsecurity/FI.cardsecurity.bin")
    noticed = 0
    for position in range(0, len(whole), 29):
        changed = bytearray(whole)
        changed[position] ^= 1
        try:
            signer = parse_card_security(bytes(changed)).message.verify()
            noticed += find_issuer(signer, german, NOW).result is not Result.SUCCESSFUL
        except DocumentError:
            noticed += 1
    assert noticed == len(range(0, len(whole), 29))


def test_the_dumped_card_security_holds_a_key_without_its_frame() -> None:
    with pytest.raises(MalformedError):
        parse_card_security(data("cardsecurity/jmrtd_efcardsecurity.dump"))


def test_the_card_access_of_the_recorded_pace_is_read() -> None:
    recorded = json.loads(data("kat/trace_pace_gm_icao.json"))["card_access"]
    (info,) = parse_card_access(bytes.fromhex(recorded)).pace
    assert info == PaceInfo("0.4.0.127.0.7.2.2.4.2.2", KeyAgreement.ECDH, Mapping.GENERIC, Cipher.AES_128, 2, 13)


@pytest.mark.parametrize(
    ("name", "agreement", "cipher"),
    [
        ("dg14/doc9303_spec_sample_dg14.bin", KeyAgreement.DH, Cipher.TDES),
        ("lds_bsi_tr03105_refset/Datagroup14.bin", KeyAgreement.ECDH, Cipher.TDES),
        ("lds_bsi2008/Datagroup14.bin", KeyAgreement.ECDH, Cipher.TDES),
    ],
)
def test_what_the_chips_of_the_samples_offer_is_read(name: str, agreement: KeyAgreement, cipher: Cipher) -> None:
    infos = parse_dg14(data(name))
    assert [(one.agreement, one.cipher) for one in infos.chip_authentications] == [(agreement, cipher)]
    assert [key.agreement for key in infos.chip_keys] == [agreement]
    assert len(infos.terminal_authentications) == 1


def test_the_further_data_groups_of_the_samples_are_read() -> None:
    details = parse_dg11(data("dg_misc/EF_DG11.bin"))
    assert (details.full_name, details.other_names, details.born) == ("Doe John", ("William",), date(1970, 1, 1))
    document = parse_dg12(data("dg_misc/EF_DG12.bin"))
    assert (document.issued, document.authority, document.other_persons) == (date(2024, 1, 1), "TEST", ("William",))
    assert count_fingerprints(data("lds_bsi2008/Datagroup3.bin")) == 2


def test_the_pictures_of_both_39794_samples_are_extracted() -> None:
    silver = data("dg2/silver.jp2")
    header = tlv.encode(0xA1, bytes.fromhex("87020101 8802002A"))
    template = tlv.encode(0x7F60, header + tlv.encode(0x7F2E, data("dg2/39794_AP_mand.bdb")))
    wrapped = tlv.encode(0x75, tlv.encode(0x7F61, b"\x02\x01\x01" + template))
    for content in (wrapped, data("dg2/39794_silver_mandatory_fields.dg2.bin")):
        found = parse_dg2(content)
        assert (found.encoding, found.image) == (Encoding.JPEG_2000, silver)


def test_every_complete_pair_of_the_mock_authorities_verifies() -> None:
    pairs = [folder for folder in sorted(DATA.glob("mock_pki/*")) if len(list(folder.glob("mock_*.pem"))) == 2]
    assert len(pairs) == 21
    for folder in pairs:
        csca = parse_certificate((folder / "mock_csca.pem").read_bytes())
        signer = parse_certificate((folder / "mock_dsc.pem").read_bytes())
        csca.verify_signed_by(csca)
        assert find_issuer(signer, ListedAnchors([csca.der]), NOW).result is Result.SUCCESSFUL, folder.name


def test_signers_and_authorities_without_their_other_half_are_read() -> None:
    halves = [folder for folder in DATA.glob("mock_pki/*") if len(list(folder.glob("mock_*.pem"))) == 1]
    assert len(halves) == 6
    for folder in halves:
        (path,) = folder.glob("mock_*.pem")
        assert parse_certificate(path.read_bytes()).public_key
