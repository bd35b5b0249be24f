"""The catalogue of what can be wrong with a document, its issuer's lists and its chip, and what the inspection makes of it.

Each entry: its number, what is wrong, and every check that is not successful, in the terms of BSI TR-03135-1 §3.5.2. Some entries
are valid oddities that must not harm; of those, nothing is expected. What does not end in an inspection, such as the import of a
list or the decision, names its own outcome.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.document_chip import Gone
from document_fakes.inspections import NOW, Through, Transmit, anchors, files_of, inspected, issued, judged, results
from document_fakes.sample_passports import ANNA, utopia

from gate.passage.policy import Policy, document_objections, site_objections
from gate.programs.lane.document.inspection import RememberingAnchors, document_evidence
from gate.trust.errors import SourceError
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_core.evidence.crossing import Check, CheckResult, DocumentEvidence, Score, SiteEvidence
from gate_core.evidence.crossing import CheckId as PassageCheckId
from gate_documents.checks import CheckId
from gate_documents.countries import certificate_countries
from gate_documents.errors import MrzError
from gate_documents.inspection import inspect_files
from gate_documents.lds.sod import parse_sod
from gate_documents.mrz.parser import parse
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.chip.card import Card
from hardware_sim.passport import lds
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Pace
from hardware_sim.passport.algorithms import Mapping as PaceMapping
from hardware_sim.passport.issuer import Passport, Person
from hardware_sim.passport.security_object import ID_DATA, SecurityObject

Outcome = Mapping[str, str]
FAILED, OPEN, ABSENT, ABORTED = "failed", "undetermined", "not_supported", "aborted"

GM = Features(pace=(Pace(PaceMapping.GENERIC, 12, Cipher.AES_128),))
FIELD = Features(pace=(Pace(PaceMapping.GENERIC, 0, Cipher.AES_128),))
CAM = Features(pace=(Pace(PaceMapping.CHIP_AUTHENTICATION, 13, Cipher.AES_128),))
CA = Features(chip_authentication=(Agreement(13, Cipher.AES_128),))

POLICY = Policy(Score(0.5), Score(0.5), officer_presence_max_s=60, trust_age_max_days=30, test_documents=True)
WEAK_PASS = dataclasses.replace(POLICY, weak_algorithms_refer=False)
SERVICE = dataclasses.replace(POLICY, test_documents=False)

# What follows when nobody is shown to have signed EF.SOD, or nothing can be read in it.
UNSIGNED = dict.fromkeys(
    ("ds_signature", "ds_validity", "csca_validity", "revocation", "country", "chip_authenticity"), OPEN
)
UNREADABLE = UNSIGNED | {"com_sod": ABSENT, "dg_hashes": OPEN}
# What follows when the signer leads to nobody whom we trust.
STRANGER = {"csca_validity": OPEN, "revocation": OPEN, "chip_authenticity": OPEN}
# What is left to do once the chip is open; Terminal Authentication is not asked for here.
INSIDE = {check.value for check in CheckId} - {"mrz", "chip_access", "expiry", "terminal_authentication"}
AFTER_ACCESS = dict.fromkeys(INSIDE, ABORTED)
CLOSED = dict.fromkeys(INSIDE, OPEN) | {"chip_access": FAILED}


OTHER = dataclasses.replace(ANNA, number="X0000001")
SELECT_APPLICATION = bytes.fromhex("00A4040C07A0000002471001")
SECOND = dict.fromkeys(("dg_hashes", "country", "chip_authenticity", "mrz_dg1"), ABORTED)


@dataclass(frozen=True)
class Entry:
    """One entry. `run` is given an empty folder."""

    number: int
    wrong: str
    run: Callable[[Path], Outcome]
    expected: Outcome


def chip(*faults: str, **order: Any) -> Callable[[Path], Outcome]:
    """The inspection of a chip with these faults."""
    switches = {
        name: order.pop(name)
        for name in ("lie", "pull_out_after_apdus", "through", "printed", "no_access_control")
        if name in order
    }
    return lambda _: results(inspected(issued(*faults, **order), **switches))


def of(inspection: Callable[[], Inspection]) -> Callable[[Path], Outcome]:
    return lambda _: results(inspection())


# ── what the entries do ──────────────────────────────────────────────────────────────────────────────────────────────


def with_group_13() -> Outcome:
    genuine = issued()
    return results(judged(files_of(genuine, EF_DG13=lds.dg13(b"x"))))


def without_portrait(_: Path) -> Outcome:
    genuine = issued()
    files = {name: content for name, content in genuine.files.items() if name != "EF_DG2"}
    return results(inspected(dataclasses.replace(genuine, files=files)))


def another_group_13(_: Path) -> Outcome:
    genuine = issued(extra_groups={13: lds.dg13(b"x")})
    return results(inspected(dataclasses.replace(genuine, files={**genuine.files, "EF_DG13": lds.dg7(b"x")})))


def without_signer(*, known: bool) -> Callable[[Path], Outcome]:
    """EF.SOD leaves its signer out; a directory brought that one, or another."""

    def run(_: Path) -> Outcome:
        (signer,) = parse_sod(issued(signer="p256" if known else "p384").files["EF_SOD"]).message.certificates
        country = utopia()
        against = ListedAnchors(
            country.csca_files().values(), country.crl_files().values(), test=True, signers=[signer.der]
        )
        return judged_by(against, issued(security_object=SecurityObject(certificates="none")))

    return run


def with_tail(document: Passport, name: str) -> Passport:
    return dataclasses.replace(document, files={**document.files, name: document.files[name] + b"\x00"})


def brought(folder: Path, *files: bytes) -> tuple[TrustStore, str]:
    """The trust store after importing these files in order, and why the last of them was left out, if it was."""
    path, refusal = folder / "trust.sqlite", ""
    for number, data in enumerate(files):
        try:
            source = read_source(f"file {number}", data)
            report = import_sources(path, [source], signer=None, test=True, now=NOW)
            refusal = "; ".join(one.reason for one in report.rejected)
        except SourceError as error:
            refusal = str(error)
    return TrustStore.open(path), refusal


def import_of(*files: Callable[[], bytes], because: str) -> Callable[[Path], Outcome]:
    """Importing the files after the country's certificates; the last is left out, with a reason that says this."""

    def run(folder: Path) -> Outcome:
        _, refusal = brought(folder, *utopia().csca_files().values(), *(file() for file in files))
        return {"import": "refused" if refusal and because in refusal else f"taken, or refused otherwise: {refusal}"}

    return run


def judged_by(store: TrustStore | ListedAnchors, document: Passport) -> Outcome:
    return results(inspected(document, against=store))


def by_link(kind: Any) -> Callable[[Path], Outcome]:
    """The store knows the CSCA before, and the present one only by the link from it."""

    def run(folder: Path) -> Outcome:
        before, links = utopia().previous_csca_files(kind=kind), utopia().link_certificates(kind=kind)
        store, _ = brought(folder, *before.values(), *links.values(), *utopia().crl_files().values())
        return judged_by(store, issued())

    return run


def predecessor_only(_: Path) -> Outcome:
    before = utopia().previous_csca_files()
    return judged_by(ListedAnchors(before.values(), test=True), issued())


def with_lists(*lists: bytes, now_days: int = 0) -> Outcome:
    against = ListedAnchors(utopia().csca_files().values(), lists, test=True)
    return results(inspected(issued(), against=against, now=NOW + timedelta(days=now_days)))


def forged_revocations(folder: Path) -> Outcome:
    store, _ = brought(folder, *utopia().csca_files().values(), utopia().crl(1, forged=True))
    return judged_by(store, issued())


def rolled_back(folder: Path) -> Outcome:
    newer = utopia().crl(1, number=2, revoked=(utopia().signer_serial("p256"),))
    older = utopia().crl(1, number=1, issued_days=-5)
    store, _ = brought(folder, *utopia().csca_files().values(), newer, older)
    return judged_by(store, issued())


def countries(code: str, certificate: str) -> Callable[[Path], Outcome]:
    return lambda _: {"country": "known" if certificate in (certificate_countries(code) or ()) else "unknown"}


def spoiled_certificate() -> bytes:
    return next(iter(utopia().csca_files().values())) + b"\x00"


def wrong_mrz(status: int) -> Callable[[Path], Outcome]:
    """The MRZ of another document, which the chip refuses in these words."""

    def run(_: Path) -> Outcome:
        inspection = inspected(issued(), printed=issued(person=OTHER).mrz_lines, wrong_key_status=status)
        (reason,) = (check.reason for check in inspection.checks if check.id is CheckId.CHIP_ACCESS)
        return results(inspection) | {"said": reason.removeprefix("the chip ")}

    return run


def second_chip(features: Features, after: int, *, person: Person = ANNA, **switches: Any) -> Callable[[Path], Outcome]:
    """Another chip, of the same document or of another person's, answers from some command on."""

    def through(first: Transmit) -> Transmit:
        second, count = Card(issued(person=person, features=features), **switches).transmit, iter(range(10_000))
        if switches:
            second(SELECT_APPLICATION)

        def answer(apdu: bytes) -> bytes:
            chosen = first if next(count) < after else second
            return chosen(apdu)

        return answer

    return chip(features=features, through=through, **switches)


def hidden_card_access(transmit: Transmit) -> Transmit:
    return lambda apdu: b"\x6a\x82" if apdu[:4] == b"\x00\xa4\x02\x0c" else transmit(apdu)


def pace_refused(transmit: Transmit) -> Transmit:
    return lambda apdu: b"\x69\x85" if apdu[1] == 0x86 else transmit(apdu)


def pulled_within_the_portrait() -> Through:
    def through(transmit: Transmit) -> Transmit:
        count = iter(range(10_000))

        def answer(apdu: bytes) -> bytes:
            if apdu[:2] == b"\x0c\xb0" and next(count) > 11:  # two reads for each file before EF.DG2
                raise Gone
            return transmit(apdu)

        return answer

    return through


def printed_otherwise(place: slice, text: str) -> Callable[[Path], Outcome]:
    """The second printed line changed, its check digits made right again; the chip is opened with its own MRZ."""

    def run(_: Path) -> Outcome:
        document = issued()
        first, second = document.mrz_lines
        line = list(second)
        line[place] = text
        fixed = "".join(line)
        for field in (slice(0, 9), slice(13, 19), slice(21, 27), slice(28, 42)):
            fixed = fixed[: field.stop] + digit(fixed[field]) + fixed[field.stop + 1 :]
        fixed = fixed[:43] + digit(fixed[0:10] + fixed[13:20] + fixed[21:43])
        inspection = judged_printed(document, (first, fixed))
        return results(inspection)

    return run


def judged_printed(document: Passport, lines: tuple[str, ...]) -> Inspection:
    return inspect_files(files_of(document), anchors=anchors(), now=NOW, mrz=parse(lines))


def digit(text: str) -> str:
    values = [0 if one == "<" else int(one, 36) for one in text]
    return str(sum(value * (7, 3, 1)[index % 3] for index, value in enumerate(values)) % 10)


def mrz_problem(*lines: str) -> Callable[[Path], Outcome]:
    def run(_: Path) -> Outcome:
        try:
            mrz = parse(lines)
        except MrzError:
            return {"mrz": "no MRZ"}
        return {"mrz": FAILED if not mrz.valid else OPEN if mrz.problems else "successful"}

    return run


def expires_in(expiry: str) -> Callable[[Path], Outcome]:
    """What a TD3 MRZ with this date of expiry means on the day of the tests."""

    def run(_: Path) -> Outcome:
        second = f"L898902C36UTO7408122F{expiry}{digit(expiry)}ZE184226B<<<<<1"
        second += digit(second[0:10] + second[13:20] + second[21:43])
        mrz = parse(("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", second))
        return {"expires": str(mrz.expires_on(date(2026, 11, 25)))}

    return run


def unknown_birthday(folder: Path) -> Outcome:
    second = f"L898902C36UTO7408<<{digit('7408<<')}F1204159ZE184226B<<<<<1"
    second += digit(second[0:10] + second[13:20] + second[21:43])
    return mrz_problem("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", second)(folder)


def decided(policy: Policy = POLICY, **order: Any) -> Callable[[Path], Outcome]:
    """What is wrong with a chip: checks that are not successful, and else what the decision objects to."""

    def run(_: Path) -> Outcome:
        judged_against = RememberingAnchors(anchors())
        inspection = inspected(issued(**order), against=judged_against)
        objections = document_objections(document_evidence(inspection, judged_against), policy)
        return results(inspection) | {f"{one.reason.value} {one.detail}": "objection" for one in objections}

    return run


def admission(*, clock_sure: bool = True, specimen: bool = False) -> Callable[[Path], Outcome]:
    """What the decision makes of a document whose checks are all right."""

    def run(_: Path) -> Outcome:
        checks = tuple(Check(one, CheckResult.SUCCESSFUL) for one in PassageCheckId)
        document = DocumentEvidence(checks, test_issuer=specimen)
        site = SiteEvidence(officer_seen_ago_s=0.0, trust_age_days=1.0, clock_sure=clock_sure)
        objections = (*document_objections(document, SERVICE), *site_objections(site, SERVICE))
        return {one.reason.value: "objection" for one in objections}

    return run


def clock_unsure(*faults: str, **order: Any) -> Callable[[Path], Outcome]:
    return lambda _: results(inspected(issued(*faults, **order), clock_sure=False))


def revoked_at_any_time(_: Path) -> Outcome:
    revoking = utopia().crl(1, revoked=(utopia().signer_serial("p256"),))
    against = ListedAnchors(utopia().csca_files().values(), [revoking], test=True)
    return results(inspected(issued(), against=against, clock_sure=False))


def inspection_of_utopia(_: Path) -> Outcome:
    unmarked = ListedAnchors(utopia().csca_files().values(), utopia().crl_files().values())
    return {"test_issuer": str(inspected(issued(), against=unmarked).test_issuer)}


def with_details(full_name: str) -> Callable[[Path], Outcome]:
    return lambda _: results(judged(files_of(issued(extra_groups={11: lds.dg11(full_name=full_name)}))))


# ── the catalogue ────────────────────────────────────────────────────────────────────────────────────────────────────

NOW_SIGNED = SecurityObject(signing_time=NOW)
OLD_ISSUE = {12: lds.dg12(issuing_authority="Utopia", issue_date="20150101")}
FRESH_ISSUE = {12: lds.dg12(issuing_authority="Utopia", issue_date="20261120")}
LONE_DG13 = frozenset({1, 2, 13})

CATALOGUE = (
    # document data
    Entry(1, "DG1 changed", chip("dg1_changed"), {"dg_hashes": FAILED}),
    Entry(2, "DG2 swapped", chip("dg2_swapped"), {"dg_hashes": FAILED}),
    Entry(
        3, "DG15 changed in one bit", chip("dg15_exponent_changed"), {"dg_hashes": FAILED, "chip_authenticity": FAILED}
    ),
    Entry(
        3,
        "exponent of an RSA key in DG15 changed",
        chip("dg15_exponent_changed", active="rsa"),
        {"dg_hashes": FAILED, "chip_authenticity": FAILED},
    ),
    Entry(
        4,
        "a data group that EF.SOD lacks, listed in EF.COM",
        chip("group_injected"),
        {"com_sod": FAILED, "dg_hashes": FAILED},
    ),
    Entry(
        4,
        "a data group that EF.SOD lacks, read by someone",
        lambda _: with_group_13(),
        {
            "dg_hashes": FAILED,
            "mrz": ABSENT,
            "chip_access": ABSENT,
            "mrz_dg1": ABSENT,
            "chip_authenticity": OPEN,
        },
    ),
    Entry(5, "DG2 in EF.SOD and not on the chip", without_portrait, {"dg_hashes": OPEN}),
    Entry(5, "DG13, which nobody needs, in EF.SOD and not on the chip", chip("group_missing"), {"dg_hashes": OPEN}),
    Entry(5, "DG13 in EF.SOD, and another file on the chip", another_group_13, {"dg_hashes": OPEN}),
    Entry(
        5,
        "a wanted data group in EF.SOD and not on the chip",
        of(lambda: judged(files_of(issued("group_missing")), LONE_DG13)),
        {"dg_hashes": OPEN, "mrz": ABSENT, "chip_access": ABSENT, "mrz_dg1": ABSENT, "chip_authenticity": OPEN},
    ),
    Entry(6, "EF.COM lists fewer than EF.SOD", chip("com_lists_fewer"), {"com_sod": FAILED}),
    Entry(6, "EF.COM lists more than EF.SOD", chip("com_lists_more"), {"com_sod": FAILED}),
    Entry(6, "no EF.COM, which is deprecated", chip("no_com"), {"com_sod": ABSENT}),
    Entry(7, "DG2 says that it has 4 GB", chip("dg2_length_lies"), {"dg_hashes": OPEN}),
    Entry(7, "DG2 ends in the middle", chip("dg2_cut"), {"dg_hashes": OPEN}),
    Entry(
        7,
        "DG1 is 400 objects one inside the other",
        chip("dg1_nested"),
        {"dg_hashes": OPEN, "country": OPEN, "mrz_dg1": OPEN},
    ),
    Entry(8, "DG2 has no face", chip("dg2_no_face"), {"dg_hashes": OPEN}),
    Entry(8, "DG2 has two faces, of which the first counts", chip("dg2_two_faces"), {}),
    Entry(8, "DG2's picture is spoiled: the child that decodes it says so", chip("dg2_image_broken"), {}),
    # EF.SOD
    Entry(9, "signature bit flipped", chip("sod_signature_broken"), UNSIGNED | {"sod_signature": FAILED}),
    Entry(10, "signed digest is another", chip("sod_digest_wrong"), UNSIGNED | {"sod_signature": FAILED}),
    Entry(11, "signed content type is another", chip("sod_attribute_type_wrong"), UNSIGNED | {"sod_signature": FAILED}),
    Entry(
        12,
        "no signed attributes",
        chip(security_object=SecurityObject(signed_attributes=False)),
        UNSIGNED | {"sod_signature": FAILED},
    ),
    Entry(
        12,
        "no signed attributes around plain data, either",
        chip(security_object=SecurityObject(signed_attributes=False, content_type=ID_DATA)),
        UNSIGNED | {"sod_signature": FAILED},
    ),
    Entry(13, "signed attributes in another order", chip("sod_attributes_unsorted"), {}),
    Entry(13, "indefinite length", chip(security_object=SecurityObject(indefinite_length=True)), {}),
    Entry(14, "genuine EF.SOD of another document", chip("sod_of_another"), {"dg_hashes": FAILED}),
    Entry(
        15,
        "hashes by another algorithm than the signature",
        chip(security_object=SecurityObject(digest="sha512", signature_digest="sha256")),
        {},
    ),
    Entry(15, "unknown hash", chip("sod_digest_unknown"), UNREADABLE | {"sod_signature": OPEN}),
    Entry(
        16,
        "SHA-1: every check is successful, and policy objects",
        decided(security_object=SecurityObject(digest="sha1")),
        {f"weak_algorithm {place}:sha1": "objection" for place in ("lds_hash", "digest", "sod_signature")},
    ),
    Entry(
        16, "RSA with 1,024 bits: the same", decided(signer="rsa_1024"), {"weak_algorithm ds_key:rsa-1024": "objection"}
    ),
    Entry(
        16,
        "SHA-1 and RSA with 1,024 bits where policy lets them pass",
        decided(WEAK_PASS, security_object=SecurityObject(digest="sha1"), signer="rsa_1024"),
        {},
    ),
    Entry(17, "PSS with another salt", chip("sod_salt_wrong", signer="rsa_pss"), UNSIGNED | {"sod_signature": FAILED}),
    Entry(
        17,
        "PSS with another hash in the mask",
        chip("sod_mask_wrong", signer="rsa_pss"),
        UNSIGNED | {"sod_signature": FAILED},
    ),
    Entry(18, "r and s are zero", chip("sod_signature_zero"), UNSIGNED | {"sod_signature": FAILED}),
    Entry(18, "s is beyond the order", chip("sod_signature_large"), UNSIGNED | {"sod_signature": FAILED}),
    Entry(18, "r and s without DER", chip("sod_signature_plain"), UNSIGNED | {"sod_signature": FAILED}),
    Entry(18, "r and s with zeros in front", chip("sod_signature_padded"), {}),
    Entry(
        18,
        "r and s with zeros in front, on a curve that OpenSSL lacks",
        chip("sod_signature_padded", signer="p224"),
        {},
    ),
    Entry(18, "r and s with longer lengths than they need", chip("sod_signature_long"), {}),
    Entry(
        18,
        "r and s with zeros in front, and a wrong bit",
        chip("sod_signature_padded", "sod_signature_broken"),
        UNSIGNED | {"sod_signature": FAILED},
    ),
    Entry(
        19,
        "LDS version 2",
        chip(security_object=SecurityObject(lds_version=2)),
        UNREADABLE | {"sod_signature": FAILED},
    ),
    *(
        Entry(
            19,
            f"SignedData version {version}",
            chip(security_object=SecurityObject(signed_data_version=version)),
            UNREADABLE | {"sod_signature": FAILED},
        )
        for version in (1, 2, 4)
    ),
    Entry(19, "wrong root tag", chip("sod_wrong_tag"), UNREADABLE | {"sod_signature": FAILED}),
    Entry(
        19,
        "a byte after the message, within the file",
        chip("sod_trailing_byte"),
        UNREADABLE | {"sod_signature": FAILED},
    ),
    Entry(
        19,
        "a byte after the file, which is not read",
        lambda _: results(inspected(with_tail(issued(), "EF_SOD"))),
        {},
    ),
    Entry(
        19,
        "the same in a file that someone else has read",
        of(lambda: judged(files_of(with_tail(issued(), "EF_SOD")))),
        UNREADABLE | {"sod_signature": FAILED, "mrz": ABSENT, "chip_access": ABSENT, "mrz_dg1": ABSENT},
    ),
    Entry(20, "empty EF.SOD", chip("sod_empty"), UNREADABLE | {"sod_signature": FAILED}),
    Entry(21, "two signers, both right", chip(security_object=SecurityObject(signers=2)), {}),
    Entry(21, "two certificates", chip(security_object=SecurityObject(certificates="two")), {}),
    Entry(21, "the signer named is in no certificate", chip("sod_signer_id_wrong"), UNSIGNED | {"sod_signature": OPEN}),
    Entry(21, "the issuer's name in another order", chip("sod_signer_name_reversed"), {}),
    Entry(21, "the issuer's name in other strings", chip("sod_signer_name_printable"), {}),
    Entry(
        21,
        "the issuer's name in another order beside two certificates",
        chip("sod_signer_name_reversed", security_object=SecurityObject(certificates="two")),
        {},
    ),
    *(
        Entry(21, reason, chip(*faults), UNSIGNED | {"sod_signature": OPEN})
        for reason, faults in (
            (
                "the issuer's name in another order, with a wrong serial",
                ("sod_signer_name_reversed", "sod_signer_id_wrong"),
            ),
            ("another issuer's name, with the right serial", ("sod_signer_name_other",)),
        )
    ),
    Entry(
        21,
        "the issuer's name in another order, and somebody else's signature",
        chip("sod_signer_name_reversed", "sod_signature_broken"),
        UNSIGNED | {"sod_signature": FAILED},
    ),
    Entry(
        21,
        "the issuer's name in another order, under a CSCA of nobody",
        chip("sod_signer_name_reversed", "unknown_issuer"),
        STRANGER | {"ds_signature": OPEN},
    ),
    Entry(
        21,
        "the issuer's name in another order, under a forged CSCA",
        chip("sod_signer_name_reversed", "forged_authority"),
        {"ds_signature": FAILED, "csca_validity": OPEN, "chip_authenticity": OPEN},
    ),
    Entry(
        21,
        "no certificate of the signer",
        chip(security_object=SecurityObject(certificates="none")),
        UNSIGNED | {"sod_signature": OPEN},
    ),
    Entry(21, "no certificate of the signer, which a directory brought", without_signer(known=True), {}),
    Entry(
        21,
        "no certificate of the signer, and a directory's of another",
        without_signer(known=False),
        UNSIGNED | {"sod_signature": OPEN},
    ),
    # PKI
    Entry(22, "unknown CSCA", chip("unknown_issuer"), STRANGER | {"ds_signature": OPEN}),
    Entry(
        23,
        "forged CSCA with the genuine one's name and key identifier",
        chip("forged_authority"),
        {"ds_signature": FAILED, "csca_validity": OPEN, "chip_authenticity": OPEN},
    ),
    Entry(24, "CSCA of one's own in EF.SOD", chip("authority_embedded"), STRANGER | {"ds_signature": OPEN}),
    Entry(25, "document signer expired", chip("signer_expired"), {"ds_validity": FAILED}),
    Entry(25, "document signer not yet valid", chip("signer_not_yet_valid"), {"ds_validity": FAILED}),
    Entry(26, "CSCA known by a link only", by_link("same_name"), {}),
    Entry(26, "CSCA known by a link with another name", by_link("renamed"), {}),
    Entry(27, "broken link", by_link("broken"), STRANGER | {"ds_signature": OPEN}),
    Entry(28, "only the CSCA before is known", predecessor_only, STRANGER | {"ds_signature": OPEN}),
    Entry(
        29,
        "document signer revoked",
        lambda _: with_lists(utopia().crl(1, revoked=(utopia().signer_serial("p256"),))),
        {"revocation": FAILED},
    ),
    Entry(
        29,
        "revocation list out of date",
        lambda _: with_lists(utopia().crl(1, next_update_days=-1, issued_days=-30)),
        {"revocation": OPEN},
    ),
    Entry(29, "revocation list forged", forged_revocations, {"revocation": OPEN}),
    Entry(29, "revocation list of another issuer", lambda _: with_lists(utopia().crl(2)), {"revocation": OPEN}),
    Entry(29, "older revocation list brought later", rolled_back, {"revocation": FAILED}),
    Entry(30, "signer of another country", chip("zone_of_another_country"), {"country": FAILED}),
    Entry(30, "certificate of two countries", chip("signer_of_another_country"), {"country": FAILED}),
    Entry(30, "country in small letters", chip("signer_country_small"), {}),
    *(
        Entry(30, f"{code} signs as {certificate}", countries(code, certificate), {"country": "known"})
        for code, certificate in (
            ("D", "DE"),
            ("GBD", "GB"),
            ("GBN", "GB"),
            ("RKS", "KS"),
            ("EUE", "EU"),
            ("UNO", "UN"),
        )
    ),
    Entry(30, "a code in no table", countries("QQQ", "QQ"), {"country": "unknown"}),
    Entry(31, "no authority key identifier", chip("signer_without_authority_identifier"), {}),
    Entry(
        32,
        "signed after the key's period of use",
        chip("signer_use_over", security_object=NOW_SIGNED),
        {"ds_validity": FAILED},
    ),
    Entry(
        32,
        "signed in a second from now",
        chip(security_object=SecurityObject(signing_time=NOW + timedelta(seconds=1))),
        {"ds_validity": FAILED},
    ),
    Entry(32, "signed at this second", chip(security_object=SecurityObject(signing_time=NOW)), {}),
    Entry(32, "issued long before the signer was made", chip(extra_groups=OLD_ISSUE), {"ds_validity": OPEN}),
    Entry(32, "issued while the signer was in use", chip(extra_groups=FRESH_ISSUE), {}),
    Entry(33, "signer for other documents", chip("signer_for_other_documents"), {"country": FAILED}),
    Entry(34, "document signer that is a CA", chip("signer_is_authority"), STRANGER | {"ds_signature": FAILED}),
    Entry(34, "signed by the CSCA itself", chip("signed_by_authority"), STRANGER | {"ds_signature": FAILED}),
    Entry(35, "explicit curve, other generator", chip("signer_generator_wrong"), UNSIGNED | {"sod_signature": OPEN}),
    Entry(35, "explicit curve, other cofactor", chip("signer_cofactor_wrong"), UNSIGNED | {"sod_signature": OPEN}),
    Entry(35, "explicit curve, composite order", chip("signer_order_wrong"), UNSIGNED | {"sod_signature": OPEN}),
    Entry(36, "negative serial number", chip("signer_serial_negative"), {}),
    Entry(
        36, "bytes after a certificate", import_of(spoiled_certificate, because="no certificate"), {"import": "refused"}
    ),
    Entry(
        37,
        "master list by a stranger",
        import_of(lambda: utopia().master_list(signer="untrusted"), because="nobody vouches"),
        {"import": "refused"},
    ),
    Entry(
        37,
        "master list by one who may not",
        import_of(lambda: utopia().master_list(signer="without_usage"), because="not one of a master list signer"),
        {"import": "refused"},
    ),
    Entry(
        37,
        "master list changed",
        import_of(lambda: utopia().master_list(signer="broken"), because="signature is wrong"),
        {"import": "refused"},
    ),
    Entry(
        37,
        "older master list later",
        import_of(
            lambda: utopia().master_list(signed_at=NOW - timedelta(hours=1)),
            lambda: utopia().master_list(signed_at=NOW - timedelta(days=1)),
            because="older than the one",
        ),
        {"import": "refused"},
    ),
    # chip
    Entry(38, "clone without the key of Active Authentication", chip("no_private_key"), {"chip_authenticity": FAILED}),
    Entry(38, "the same with RSA", chip("no_private_key", active="rsa"), {"chip_authenticity": FAILED}),
    Entry(
        38,
        "clone without the key of Chip Authentication",
        chip("no_private_key", features=CA),
        {"chip_authenticity": FAILED},
    ),
    Entry(38, "clone without the key of PACE-CAM", chip("no_private_key", features=CAM), {"chip_authenticity": FAILED}),
    Entry(
        39, "clone with a key of its own in DG15", chip("own_keys"), {"dg_hashes": FAILED, "chip_authenticity": FAILED}
    ),
    Entry(
        39,
        "clone with a key of its own in DG14",
        chip("own_keys", features=CA),
        {"dg_hashes": FAILED, "chip_authenticity": FAILED},
    ),
    Entry(
        40,
        "clone with an EF.CardSecurity of its own",
        chip("own_card_security", features=CAM),
        {"chip_authenticity": OPEN},
    ),
    Entry(41, "old signature played again", chip(lie="aa_replay"), {"chip_authenticity": FAILED}),
    Entry(
        42,
        "EF.SOD lists DG14 and DG15, the chip denies them",
        chip("clone_without_dg15"),
        {"com_sod": FAILED, "dg_hashes": OPEN, "chip_authenticity": FAILED},
    ),
    Entry(43, "EF.CardAccess weaker than DG14", chip("card_access_weaker", features=GM), {"chip_access": FAILED}),
    Entry(43, "EF.CardAccess taken away", chip(features=GM, through=hidden_card_access), {"chip_access": FAILED}),
    Entry(43, "PACE fails, Basic Access Control would work", chip(features=GM, through=pace_refused), CLOSED),
    *(
        Entry(44, f"{lie} in PACE, {name}", chip(features=features, lie=lie), CLOSED)
        for name, features in (("curve", GM), ("field", FIELD))
        for lie in (
            "pace_echoes_key",
            "pace_echoes_mapping",
            "pace_key_outside",
            "pace_neutral_key",
            "pace_wrong_token",
        )
    ),
    *(
        Entry(45, f"{lie} after the chip was opened with {name}", chip(features=features, lie=lie), AFTER_ACCESS | also)
        for name, features, also in (("BAC", Features(), {}), ("PACE", GM, {"chip_access": ABORTED}))
        for lie in ("sm_wrong_mac", "sm_no_status", "sm_status_mismatch", "sm_plain_answer", "sm_replay")
    ),
    *(
        Entry(
            46,
            f"wrong MRZ, refused with {status:04X}",
            wrong_mrz(status),
            CLOSED | {"said": f"refuses the key of the MRZ: status {status:04X}"},
        )
        for status in (0x6300, 0x6982, 0x6985)
    ),
    Entry(
        46,
        "chip lost while it is opened",
        chip(pull_out_after_apdus=3),
        AFTER_ACCESS | {"chip_access": ABORTED},
    ),
    Entry(
        47,
        "pulled out within DG2",
        chip(through=pulled_within_the_portrait()),
        {"dg_hashes": ABORTED},
    ),
    Entry(47, "another chip from within the session on", second_chip(Features(), 12), SECOND),
    Entry(47, "another chip from within PACE on", second_chip(GM, 6), CLOSED),
    Entry(
        47,
        "the chip of another document from within the session on",
        second_chip(Features(), 12, person=OTHER),
        SECOND,
    ),
    Entry(
        47,
        "the chip of another document from before EF.DG1 on, both without access control",
        second_chip(Features(), 20, person=OTHER, no_access_control=True),
        {"chip_access": ABSENT, "dg_hashes": FAILED, "mrz_dg1": FAILED},
    ),
    # combined
    *(
        Entry(
            48,
            f"printed {name} is another",
            printed_otherwise(place, text),
            {"mrz_dg1": FAILED, "chip_access": ABSENT, "chip_authenticity": OPEN},
        )
        for name, place, text in (
            ("number", slice(0, 1), "M"),
            ("nationality", slice(10, 13), "XXX"),
            ("birth", slice(13, 19), "940813"),
            ("sex", slice(20, 21), "M"),
            ("expiry", slice(21, 27), "310416"),
        )
    ),
    Entry(
        48,
        "printed optional data are others",
        printed_otherwise(slice(28, 30), "AB"),
        {"mrz_dg1": OPEN, "chip_access": ABSENT, "chip_authenticity": OPEN},
    ),
    Entry(
        49,
        "a check digit is wrong",
        mrz_problem("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C37UTO7408122F1204159ZE184226B<<<<<10"),
        {"mrz": FAILED},
    ),
    Entry(
        49,
        "an unknown state",
        mrz_problem("P<QQQERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36QQQ7408122F1204159ZE184226B<<<<<10"),
        {"mrz": OPEN},
    ),
    Entry(
        49,
        "a visa",
        mrz_problem("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<"),
        {"mrz": "successful"},
    ),
    Entry(
        49,
        "a card number that runs over",
        mrz_problem(
            "I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<<<<<<<<<<<<<<"
        ),
        {"mrz": "successful"},
    ),
    Entry(49, "no MRZ at all", mrz_problem("HELLO", "WORLD"), {"mrz": "no MRZ"}),
    Entry(50, "expired", chip("expired"), {"expiry": FAILED}),
    Entry(50, "two digits of a year to come", expires_in("410101"), {"expires": "2041-01-01"}),
    Entry(50, "two digits of a year that is past", expires_in("990101"), {"expires": "1999-01-01"}),
    Entry(
        50,
        "unknown day of birth",
        unknown_birthday,
        {"mrz": "successful"},
    ),
    Entry(
        52,
        "DG11 has a name of which the MRZ holds the beginning",
        with_details("ERIKSSON<<ANNA<MARIA<CHARLOTTE<VICTORIA"),
        {"mrz": ABSENT, "chip_access": ABSENT, "mrz_dg1": ABSENT, "chip_authenticity": OPEN},
    ),
    Entry(53, "a specimen of Utopia", inspection_of_utopia, {"test_issuer": "True"}),
    Entry(53, "a specimen before a gate in service", admission(specimen=True), {"test_document": "objection"}),
    Entry(
        54,
        "the clock is not sure",
        clock_unsure(),
        dict.fromkeys(("ds_validity", "csca_validity", "revocation", "expiry"), OPEN),
    ),
    Entry(
        54,
        "the clock is not sure and says that signer and document have ended",
        clock_unsure("signer_expired", "expired"),
        dict.fromkeys(("ds_validity", "csca_validity", "revocation", "expiry"), OPEN),
    ),
    Entry(
        54,
        "the clock is not sure, and says that EF.SOD is still to be signed",
        clock_unsure(security_object=SecurityObject(signing_time=NOW + timedelta(days=1))),
        dict.fromkeys(("ds_validity", "csca_validity", "revocation", "expiry"), OPEN),
    ),
    Entry(
        54,
        "the clock is not sure, and the signer revoked, which it is at any time",
        revoked_at_any_time,
        dict.fromkeys(("ds_validity", "csca_validity", "expiry"), OPEN) | {"revocation": FAILED},
    ),
    Entry(54, "the decision when the clock is not sure", admission(clock_sure=False), {"clock_unsure": "objection"}),
)

LEFT_OUT = {
    51: "numbers that are stolen or lost: the gate keeps no such list, so no byte of a document can be compared with one",
}


def test_every_number_of_the_catalogue_is_there_or_left_out_with_its_reason() -> None:
    assert {entry.number for entry in CATALOGUE} | LEFT_OUT.keys() == set(range(1, 55))
    assert len(LEFT_OUT) <= 2


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: f"{entry.number:02}-{entry.wrong}")
def test_the_catalogue(entry: Entry, tmp_path: Path) -> None:
    assert dict(entry.run(tmp_path)) == dict(entry.expected)


def test_a_genuine_passport_of_each_kind_that_the_catalogue_spoils_is_all_right() -> None:
    for features in (Features(), GM, FIELD, CAM, CA):
        assert results(inspected(issued(features=features))) == {}
