"""Forgeries and production faults by name. Each changes one thing; the rest stays as a careful forger would keep it.

Three tables, by when a fault takes effect: in the signer's certificate, in the signed data, in the chip's files.
docs/protocols/simulated-passport.md describes the effect of each on the passport.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from hardware_sim.passport import der, lds, security_object
from hardware_sim.passport.abilities import Abilities
from hardware_sim.passport.chip_key import ChipKey
from hardware_sim.passport.office import Order
from hardware_sim.passport.pki import Profile
from hardware_sim.passport.security_object import SecurityObject

_NESTING: Final = 400
_NOT_THE_LAST: Final = -1


@dataclass(slots=True)
class Draft:
    """A passport before it is written to the chip. `listed` are the groups in EF.COM; None means no EF.COM.

    `nobodys_tags` are further tags in EF.COM that no group has. `unicode_named` False leaves out its Unicode version.
    """

    lines: tuple[str, ...] = field(repr=False)
    groups: dict[int, bytes] = field(repr=False)
    chip_key: ChipKey | None = field(repr=False)
    abilities: Abilities = field(repr=False)
    portrait: bytes = field(repr=False)
    listed: list[int] | None = None
    nobodys_tags: bytes = b""
    unicode_named: bool = True
    security_object: bytes = field(default=b"", repr=False)
    card_access: bytes | None = None
    card_security: bytes | None = field(default=None, repr=False)


Change = Callable[[Draft], None]

# Faults in the document signer's certificate.
SIGNER_FAULTS: Final[Mapping[str, Order]] = MappingProxyType(
    {
        "signer_expired": Order(validity_days=(-400, -10), use_days=(-400, -310)),
        "signer_not_yet_valid": Order(validity_days=(10, 4000), use_days=(10, 100)),
        "signer_use_over": Order(use_days=(-200, -110), validity_days=(-200, 3700)),
        "signer_without_authority_identifier": Order(profile=Profile(names_authority=False)),
        "signer_for_other_documents": Order(profile=Profile(document_types=("AC",))),
        "signer_is_authority": Order(profile=Profile(is_authority=True)),
        "signer_serial_negative": Order(negative_serial=True),
        "signer_country_small": Order(small_country=True),
        "signer_of_another_country": Order(country="XO"),
        "signer_generator_wrong": Order(curve_lie="generator"),
        "signer_cofactor_wrong": Order(curve_lie="cofactor"),
        "signer_order_wrong": Order(curve_lie="order"),
        "forged_authority": Order(forged_authority=True),
    }
)

# Faults in the signature of the security object.
SIGNATURE_FAULTS: Final[Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {
        "sod_signature_broken": {"signature_twist": True},
        "sod_signature_zero": {"elliptic_form": "zero"},
        "sod_signature_large": {"elliptic_form": "large"},
        "sod_signature_plain": {"elliptic_form": "plain"},
        "sod_signature_padded": {"elliptic_form": "padded"},
        "sod_signature_long": {"elliptic_form": "long"},
        "sod_digest_wrong": {"digest_twist": True},
        "sod_attribute_type_wrong": {"attribute_type": security_object.ID_DATA},
        "sod_salt_wrong": {"salt_claim_bytes": 20},
        "sod_mask_wrong": {"mask_claim": "sha1"},
        "sod_signer_id_wrong": {"other_signer_id": True},
        "sod_signer_name_reversed": {"signer_name": "reversed"},
        "sod_signer_name_printable": {"signer_name": "printable"},
        "sod_signer_name_other": {"signer_name": "other"},
        "sod_attributes_unsorted": {"unsorted_attributes": True},
    }
)


def _dg2_length_lies(draft: Draft) -> None:
    draft.groups[2] = b"\x75\x84\xff\xff\xff\xf0" + draft.groups[2][4:]


def _dg2_cut(draft: Draft) -> None:
    draft.groups[2] = draft.groups[2][: len(draft.groups[2]) // 2]


def _dg1_nested(draft: Draft) -> None:
    bomb = b""
    for _ in range(_NESTING):
        bomb = der.tlv(0x30, bomb)
    draft.groups[1] = der.tlv(0x61, bomb)


def _dg2_two_faces(draft: Draft) -> None:
    draft.groups[2] = lds.dg2(draft.portrait, draft.portrait)


def _dg2_no_face(draft: Draft) -> None:
    draft.groups[2] = lds.dg2()


def _dg2_image_broken(draft: Draft) -> None:
    keep = len(draft.groups[2]) - len(draft.portrait) // 2
    draft.groups[2] = draft.groups[2][:keep] + b"\xff" * (len(draft.groups[2]) - keep)


def _group_missing(draft: Draft) -> None:
    draft.groups[13] = lds.dg13(b"signed, and then withheld")


# Faults in the content of signed groups.
CONTENT_FAULTS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "dg1_nested": _dg1_nested,
        "dg2_length_lies": _dg2_length_lies,
        "dg2_cut": _dg2_cut,
        "dg2_two_faces": _dg2_two_faces,
        "dg2_no_face": _dg2_no_face,
        "dg2_image_broken": _dg2_image_broken,
        "group_missing": _group_missing,
    }
)


def _dg1_changed(draft: Draft) -> None:
    """Replace the first letter of the surname, in print and in the chip: no check digit covers the names."""
    row, column = (2, 0) if len(draft.lines) == 3 else (0, 5)
    named = draft.lines[row]
    other = named[:column] + ("B" if named[column] != "B" else "C") + named[column + 1 :]
    draft.lines = tuple(other if index == row else line for index, line in enumerate(draft.lines))
    draft.groups[1] = lds.dg1(draft.lines)


def _dg15_exponent_changed(draft: Draft) -> None:
    """Change the last byte of the key: the exponent of an RSA key, the end of a point."""
    if 15 in draft.groups:
        draft.groups[15] = draft.groups[15][:-1] + bytes((draft.groups[15][-1] ^ 2,))


def _group_injected(draft: Draft) -> None:
    draft.groups[13] = lds.dg13(b"nobody signed this")
    draft.listed = sorted(draft.groups)


def _without_group_13(draft: Draft) -> None:
    draft.groups.pop(13)


def _clone_without_dg15(draft: Draft) -> None:
    draft.groups.pop(14, None)
    draft.groups.pop(15, None)
    draft.listed = sorted(draft.groups)
    draft.chip_key = None
    draft.abilities = replace(draft.abilities, agreement_keys=())


def _com_lists_fewer(draft: Draft) -> None:
    draft.listed = sorted(draft.groups)[:_NOT_THE_LAST]


def _com_lists_more(draft: Draft) -> None:
    draft.listed = [*sorted(draft.groups), 16]


def _no_com(draft: Draft) -> None:
    draft.listed = None


def _com_with_tag_71(draft: Draft) -> None:
    draft.nobodys_tags = b"\x71"


def _com_without_unicode(draft: Draft) -> None:
    draft.unicode_named = False


def _sod_empty(draft: Draft) -> None:
    draft.security_object = der.tlv(0x77)


def _sod_wrong_tag(draft: Draft) -> None:
    draft.security_object = b"\x78" + draft.security_object[1:]


def _sod_trailing_byte(draft: Draft) -> None:
    """Append one byte after the CMS inside the file's object. A reader that uses the object's length reads it."""
    length_bytes = draft.security_object[1] & 0x7F if draft.security_object[1] & 0x80 else 0
    draft.security_object = der.tlv(0x77, draft.security_object[2 + length_bytes :], b"\x00")


# Faults in the chip's files after signing; the signature covers none of them.
SHOWN_FAULTS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "dg1_changed": _dg1_changed,
        "dg15_exponent_changed": _dg15_exponent_changed,
        "group_injected": _group_injected,
        "group_missing": _without_group_13,
        "clone_without_dg15": _clone_without_dg15,
        "com_lists_fewer": _com_lists_fewer,
        "com_lists_more": _com_lists_more,
        "no_com": _no_com,
        "com_with_tag_71": _com_with_tag_71,
        "com_without_unicode": _com_without_unicode,
        "sod_empty": _sod_empty,
        "sod_wrong_tag": _sod_wrong_tag,
        "sod_trailing_byte": _sod_trailing_byte,
    }
)


def order_of(faults: frozenset[str]) -> Order | None:
    """Return the certificate order with the fault; None for the usual one. Raises ValueError on two such faults."""
    asked = sorted(faults & SIGNER_FAULTS.keys())
    if len(asked) > 1:
        raise ValueError(f"a signer has one fault at a time: {', '.join(asked)}")
    return SIGNER_FAULTS[asked[0]] if asked else None


def security_object_of(faults: frozenset[str], order: SecurityObject) -> SecurityObject:
    """Return the security object's order with the mistakes that the faults require."""
    mistakes: dict[str, object] = dict(order.mistakes)
    for name in sorted(faults & SIGNATURE_FAULTS.keys()):
        mistakes.update(SIGNATURE_FAULTS[name])
    unknown = order.unknown_digest or "sod_digest_unknown" in faults
    return replace(order, mistakes=mistakes, unknown_digest=unknown)


def apply(faults: frozenset[str], table: Mapping[str, Change], draft: Draft) -> None:
    """Apply to the draft every fault that is in this table."""
    for name in table:
        if name in faults:
            table[name](draft)
