"""The published worked examples of seals, and the visa's content signed anew by a signer of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from document_fakes.anchors import ListedAnchors
from document_fakes.master_lists import NOW, Party, party, revocation_list
from document_fakes.seals import make_seal, make_seal_signer

from gate_documents.checks import Result
from gate_documents.mrz.parser import parse
from gate_documents.pki.certificate import Certificate
from gate_documents.seal.judge import SealVerdict, judge_seal

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/bsi_tr03137_seals.json").read_text())
SEALS = {one["kind"]: one for one in VECTORS["seals"]}
VISA = bytes.fromhex(SEALS["visa"]["hex"])
PRINTED = parse("".join(SEALS["visa"]["lines"]))
CSCA = party("CSCA", country="DE")
FRENCH = party("CSCA", country="FR")


def seal_signer(
    common: str = "TS", serial: int = 0x32, *, issuer: Party = CSCA, **order: Any
) -> tuple[Certificate, ec.EllipticCurvePrivateKey]:
    return make_seal_signer(common, serial, issuer=issuer, **order)


SIGNER, KEY = seal_signer()
ANCHORS = ListedAnchors([CSCA.der], [revocation_list(CSCA)])


def sealed(
    data: bytes = VISA[:-58], key: ec.EllipticCurvePrivateKey = KEY, *, hash_: hashes.HashAlgorithm | None = None
) -> bytes:
    return make_seal(data, key, hash_=hash_)


def judged(data: bytes, *, signers: tuple[Certificate, ...] = (SIGNER,), **more: Any) -> SealVerdict:
    settings: dict[str, Any] = {"anchors": ANCHORS, "now": NOW, "printed": PRINTED} | more
    return judge_seal(data, signers=signers, **settings)


def left(verdict: SealVerdict) -> dict[str, str]:
    """What is not successful."""
    return {check.id.value: check.result.value for check in verdict.checks if check.result is not Result.SUCCESSFUL}
