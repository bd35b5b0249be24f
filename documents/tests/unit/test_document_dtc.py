"""Digital travel credentials of type 1: a passport's files in one message, verified like the chip's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_documents.checks import CheckId, Result
from gate_documents.errors import MalformedError
from gate_documents.inspection import inspect_files
from gate_documents.lds.dtc import CREDENTIAL_BYTES_MAX, parse_dtc
from gate_documents.tlv import encode
from gate_documents.verdict.conclusion import Inspection

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
FILES = {
    name.replace("_", "."): content
    for name, content in utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa").files.items()
    if name != "EF_COM"
}


def number(name: str) -> int:
    return 0 if name == "EF.SOD" else int(name.removeprefix("EF.DG"))


def credential(files: dict[str, bytes], *more: bytes, version: int = 1, inside: bytes = b"") -> bytes:
    ordered = sorted(files.items(), key=lambda file: number(file[0]))
    body = b"".join(encode(0x80 + number(name), content) for name, content in ordered)
    return encode(0x30, encode(0x02, bytes([version])) + encode(0x30, body + inside) + b"".join(more))


def inspected(data: bytes) -> Inspection:
    anchors = ListedAnchors(utopia().csca_files().values(), utopia().crl_files().values())
    return inspect_files(parse_dtc(data), anchors=anchors, now=NOW)


def test_the_files_come_out_as_they_went_in_and_are_verified_like_a_chips() -> None:
    assert parse_dtc(credential(FILES)) == FILES
    inspection = inspected(credential(FILES))
    left = {check.id: check.result for check in inspection.checks if check.result is not Result.SUCCESSFUL}
    assert left == {
        CheckId.MRZ: Result.NOT_SUPPORTED,
        CheckId.CHIP_ACCESS: Result.NOT_SUPPORTED,
        CheckId.COM_SOD: Result.NOT_SUPPORTED,
        CheckId.CHIP_AUTHENTICITY: Result.UNDETERMINED,
        CheckId.MRZ_DG1: Result.NOT_SUPPORTED,
    }, "a phone is no chip"


def test_a_changed_or_injected_file_fails_as_it_does_on_a_chip() -> None:
    changed = FILES | {"EF.DG2": FILES["EF.DG2"][:-1] + b"\x00"}
    assert inspected(credential(changed)).result_of(CheckId.DG_HASHES) is Result.FAILED
    injected = FILES | {"EF.DG13": encode(0x6D, b"more")}
    assert inspected(credential(injected)).result_of(CheckId.DG_HASHES) is Result.FAILED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        credential(FILES)[:-1],
        credential(FILES) + b"\x00",
        credential(FILES, version=2),
        credential(FILES, encode(0xA0, b"")),
        credential(FILES, inside=encode(0xB6, b"")),
        credential(FILES, inside=encode(0x81, b"")),
        credential({name: content for name, content in FILES.items() if name != "EF.SOD"}),
        credential({name: content for name, content in FILES.items() if name != "EF.DG2"}),
        encode(0x30, encode(0x30, b"") + encode(0x02, b"\x01")),
    ],
)
def test_what_is_not_bound_to_a_passport_or_breaks_the_format_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_dtc(data)


def test_a_credential_beyond_the_limit_is_refused() -> None:
    with pytest.raises(MalformedError, match=f"longer than {CREDENTIAL_BYTES_MAX} bytes"):
        parse_dtc(credential(FILES).ljust(CREDENTIAL_BYTES_MAX + 1))


@settings(max_examples=200, deadline=1000)
@given(
    st.one_of(st.binary(max_size=100), st.binary(max_size=80).map(lambda body: encode(0x30, b"\x02\x01\x01" + body)))
)
def test_any_bytes_are_a_credential_or_malformed(data: bytes) -> None:
    try:
        assert "EF.SOD" in parse_dtc(data)
    except MalformedError:
        return
