"""Each fault changes what its name says, and nothing else."""

from __future__ import annotations

import hashlib

import pytest
from asn1crypto import cms, x509
from document_fakes.sample_passports import ANNA, TODAY, numbered, portrait, utopia

from hardware_sim.passport import lds, security_infos
from hardware_sim.passport.chip_key import Scheme
from hardware_sim.passport.issuer import FAULTS, ActiveAuthentication, Issuer, Passport

ALL_NUMBERS = range(24)


def issue(*faults: str, count: int = 0, active_authentication: ActiveAuthentication | None = "rsa") -> Passport:
    return utopia().issue(
        numbered(count),
        portrait_jpeg=portrait(),
        other_portrait_jpeg=portrait(160),
        faults=frozenset(faults),
        active_authentication=active_authentication,
    )


def content_of(file: bytes) -> bytes:
    return file[2 if file[1] < 0x80 else 2 + (file[1] & 0x7F) :]


def groups_with_another_hash(passport: Passport) -> set[str]:
    """Data groups on the chip whose hash does not stand in the signed object."""
    signed = passport.files["EF_SOD"]
    return {
        name
        for name, file in passport.files.items()
        if name.startswith("EF_DG") and hashlib.sha256(file).digest() not in signed
    }


def signer_name(passport: Passport) -> object:
    data = cms.ContentInfo.load(content_of(passport.files["EF_SOD"]))["content"]
    return data["certificates"][0].chosen.issuer.native["common_name"]


def chip_answers_with_the_announced_key(passport: Passport) -> bool:
    assert passport.chip_key is not None
    return content_of(passport.files["EF_DG15"]) == passport.chip_key.public_info()


def test_a_genuine_passport_is_signed_whole_and_has_its_key() -> None:
    passport = issue()
    assert set(passport.files) == {"EF_COM", "EF_SOD", "EF_DG1", "EF_DG2", "EF_DG15"}
    assert groups_with_another_hash(passport) == set()
    assert chip_answers_with_the_announced_key(passport)


def test_an_elliptic_chip_has_the_data_group_that_names_its_algorithm() -> None:
    passport = issue(active_authentication="ecdsa")
    assert passport.chip_key is not None
    assert passport.chip_key.scheme is Scheme.ECDSA_SHA256
    assert passport.files["EF_DG14"] == lds.dg14([security_infos.active_authentication_info()])
    assert chip_answers_with_the_announced_key(passport)


def test_a_changed_name_breaks_the_hash_of_data_group_1_alone_and_stands_in_print_too() -> None:
    genuine, forged = issue(), issue("dg1_changed")
    assert groups_with_another_hash(forged) == {"EF_DG1"}
    assert forged.files["EF_DG1"].endswith("".join(forged.mrz_lines).encode())
    assert forged.mrz_lines[0] != genuine.mrz_lines[0]
    assert forged.mrz_lines[1] == genuine.mrz_lines[1]


def test_a_swapped_portrait_breaks_the_hash_of_data_group_2_alone() -> None:
    forged = issue("dg2_swapped")
    assert groups_with_another_hash(forged) == {"EF_DG2"}
    assert forged.files["EF_DG2"] == lds.dg2(portrait(160))


def test_an_unknown_issuer_signs_whole_passports_under_a_certificate_that_nobody_was_given() -> None:
    forged = issue("unknown_issuer")
    known = {x509.Certificate.load(content).subject.native["common_name"] for content in utopia().csca_files().values()}
    assert groups_with_another_hash(forged) == set()
    assert signer_name(issue()) in known
    assert signer_name(forged) not in known


def test_an_expired_passport_is_whole_and_ends_before_today() -> None:
    forged = issue("expired")
    assert groups_with_another_hash(forged) == set()
    assert forged.mrz_lines[1][21:27] == "261026"
    assert TODAY.strftime("%y%m%d") > forged.mrz_lines[1][21:27]


@pytest.mark.parametrize("scheme", ["rsa", "ecdsa"])
def test_a_chip_without_its_private_key_answers_with_one_of_the_same_kind(scheme: ActiveAuthentication) -> None:
    forged = issue("no_private_key", active_authentication=scheme)
    genuine = issue(active_authentication=scheme)
    assert forged.chip_key is not None
    assert genuine.chip_key is not None
    assert groups_with_another_hash(forged) == set()
    assert not chip_answers_with_the_announced_key(forged)
    assert forged.chip_key.scheme is genuine.chip_key.scheme


def test_a_passport_without_chip_authentication_is_signed_so() -> None:
    plain = issue("no_chip_authentication")
    assert set(plain.files) == {"EF_COM", "EF_SOD", "EF_DG1", "EF_DG2"}
    assert groups_with_another_hash(plain) == set()
    assert plain.chip_key is None


def test_a_clone_denies_the_key_that_the_signed_object_lists() -> None:
    genuine, clone = issue(active_authentication="ecdsa"), issue("clone_without_dg15", active_authentication="ecdsa")
    assert set(clone.files) == {"EF_COM", "EF_SOD", "EF_DG1", "EF_DG2"}
    assert clone.files["EF_COM"] == lds.com((1, 2))
    assert clone.chip_key is None
    for missing in ("EF_DG14", "EF_DG15"):
        assert hashlib.sha256(genuine.files[missing]).digest() in clone.files["EF_SOD"]


def test_every_fault_can_be_asked_for_and_no_other() -> None:
    for fault in FAULTS:
        assert issue(fault).files["EF_SOD"]
    with pytest.raises(ValueError, match="no such fault: melted"):
        issue("melted")


def test_a_swap_needs_the_other_portrait() -> None:
    with pytest.raises(ValueError, match="other portrait"):
        utopia().issue(ANNA, portrait_jpeg=portrait(), faults=frozenset({"dg2_swapped"}))


def test_document_numbers_mix_all_issuing_lines_and_all_kinds_of_chip() -> None:
    passports = [issue(count=count, active_authentication=None) for count in ALL_NUMBERS]
    assert {signer_name(passport) for passport in passports} == {"CSCA P-256", "CSCA brainpool", "CSCA RSA"}
    assert {passport.chip_key.scheme for passport in passports if passport.chip_key} == set(Scheme)


def test_the_same_seed_and_day_issue_the_same_elliptic_passport() -> None:
    first, second = (Issuer(3, today=TODAY) for _ in range(2))
    for count in ALL_NUMBERS:
        passports = [
            issuer.issue(numbered(count), portrait_jpeg=portrait(), active_authentication="ecdsa")
            for issuer in (first, second)
        ]
        if "RSA" not in str(signer_name(passports[0])):
            assert passports[0].files == passports[1].files
    assert first.csca_files()["UTO_csca_1.cer"] == second.csca_files()["UTO_csca_1.cer"]
    assert Issuer(4, today=TODAY).csca_files()["UTO_csca_1.cer"] != first.csca_files()["UTO_csca_1.cer"]


def test_another_country_signs_under_its_own_letters() -> None:
    names = Issuer(1, country="D", today=TODAY).csca_files()
    assert set(names) == {"D_csca_1.cer", "D_csca_2.cer", "D_csca_3.cer"}
    assert x509.Certificate.load(names["D_csca_1.cer"]).subject.native["country_name"] == "DE"


def test_a_country_without_known_letters_is_refused() -> None:
    with pytest.raises(ValueError, match="knows only"):
        Issuer(1, country="ZZZ")


def test_neither_person_nor_passport_tells_anything_when_printed() -> None:
    shown = f"{ANNA!r} {utopia().issue(ANNA, portrait_jpeg=portrait())!r}"
    assert shown == "Person(…) Passport()"
