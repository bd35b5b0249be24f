"""Certificates and signed messages as asn1crypto's typed objects read them: slower than ours, and written by others."""

from __future__ import annotations

import hashlib
from typing import Any

from asn1crypto import cms, core, x509

from gate_documents.pki.certificate import Certificate
from gate_documents.pki.signed_data import Signer

REFUSALS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)

Facts = dict[str, Any]


# Those that may be critical.
KNOWN_EXTENSIONS = {f"2.5.29.{arc}" for arc in (14, 15, 16, 17, 18, 19, 31, 32, 35, 37)} | {
    f"2.23.136.1.1.6.{arc}" for arc in (1, 2)
}


def certificate_facts(der: bytes) -> Facts | None:
    """What a certificate says; None when asn1crypto refuses any of it."""
    try:
        parsed = x509.Certificate.load(der, strict=True)
        return _certificate(parsed)
    except REFUSALS:
        return None


def our_certificate_facts(one: Certificate) -> Facts:
    """The same of a certificate that we read."""
    return {
        "serial": one.serial,
        "issuer": (one.issuer_id, one.issuer_country),
        "subject": (one.subject_id, one.country),
        "validity": (one.not_before, one.not_after),
        "key_id": one.key_id,
        "authority_key_id": one.authority_key_id,
        "may": (one.may_sign_certificates, one.may_sign_documents),
        "purposes": one.purposes,
        "key_use": one.key_use,
        "key": one.spki,
        "algorithm": one.algorithm,
        "signature": one.signature,
    }


def signer_facts(message: bytes) -> list[Facts] | None:
    """What the signers of a ContentInfo say; None when asn1crypto refuses any of it."""
    try:
        signed = cms.ContentInfo.load(message, strict=True)["content"]
        return [_signer(signer, signed) for signer in signed["signer_infos"]]
    except REFUSALS:
        return None


def our_signer_facts(signer: Signer, content_type: str, content: bytes) -> Facts:
    """The same of a signer that we read."""
    return {
        "named": signer.key_id or signer.issuer_and_serial,
        "signature": signer.signature,
        "attributes": signer.attributes,
        "content": (signer.content_type, signer.message_digest, signer.signing_time),
        "signed": (content_type, content),
    }


def _certificate(parsed: Any) -> Facts:
    tbs = parsed["tbs_certificate"]
    usage, basic = parsed.key_usage_value, parsed.basic_constraints_value
    uses = None if usage is None else usage.native
    is_ca = None if basic is None else basic["ca"].native
    period = parsed.private_key_usage_period_value
    known = not any(
        one["critical"].native and one["extn_id"].dotted not in KNOWN_EXTENSIONS for one in tbs["extensions"]
    )
    return {
        "serial": tbs["serial_number"].native,
        "issuer": _name(tbs["issuer"]),
        "subject": _name(tbs["subject"]),
        "validity": (tbs["validity"]["not_before"].native, tbs["validity"]["not_after"].native),
        "key_id": parsed.key_identifier,
        "authority_key_id": parsed.authority_key_identifier,
        "may": (
            known and is_ca is not False and (uses is None or "key_cert_sign" in uses),
            known and not is_ca and (uses is None or "digital_signature" in uses),
        ),
        "purposes": frozenset(one.dotted for one in parsed.extended_key_usage_value or ()),
        "key_use": (None, None) if period is None else (period["not_before"].native, period["not_after"].native),
        "key": tbs["subject_public_key_info"].dump(),
        "algorithm": parsed["signature_algorithm"].dump(),
        "signature": parsed["signature_value"].native,
    }


def _name(name: Any) -> tuple[bytes, str]:
    """Its digest with case, blanks and string types levelled, and its first country."""
    parts = [[(pair["type"].dotted, _text(pair["value"])) for pair in part] for part in name.chosen]
    levelled = "\x00".join(
        "\x01".join(sorted(f"{kind}={' '.join(text.casefold().split())}" for kind, text in part)) for part in parts
    )
    countries = [text.strip().upper() for part in parts for kind, text in part if kind == "2.5.4.6"]
    return hashlib.sha256(levelled.encode("utf-8", "surrogatepass")).digest(), (countries or [""])[0]


def _text(value: Any) -> str:
    """A value of a name; one that is no text as RFC 4514 §2.4 writes it."""
    value = value.chosen if isinstance(value, core.Choice) else value
    value = value.parsed if isinstance(value, core.Any) else value
    if isinstance(value, core.IA5String):  # addresses are more than text to asn1crypto
        return str(value.contents.decode("latin-1"))
    return str(value.native) if isinstance(value, core.AbstractString) else f"#{value.dump().hex()}"


def _signer(signer: Any, signed: Any) -> Facts:
    chosen = signer["sid"].chosen
    by_name = signer["sid"].name == "issuer_and_serial_number"
    attributes = signer["signed_attrs"]
    values = {one["type"].dotted: one["values"][0] for one in attributes or ()}
    names = ("1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.5")
    content_type, message_digest, signing_time = (values.get(name) for name in names)
    return {
        "named": (chosen["issuer"].dump(), chosen["serial_number"].native) if by_name else chosen.native,
        "signature": signer["signature"].native,
        "attributes": b"" if isinstance(attributes, core.Void) else b"\x31" + attributes.untag().dump()[1:],
        "content": (
            None if content_type is None else content_type.dotted,
            None if message_digest is None else message_digest.native,
            None if signing_time is None else signing_time.native,
        ),
        "signed": (
            signed["encap_content_info"]["content_type"].dotted,
            bytes(signed["encap_content_info"]["content"]),
        ),
    }
