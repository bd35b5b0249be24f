"""Rows on the algorithms that inspection systems support (BSI TR-03105-5.1 §7.1 and unit LDS_H, ICAO 9303-12 §4.1.6)."""

from __future__ import annotations

from collections.abc import Callable

from catalogue.documents import Case, Parts, Party, Sod, authority, document, rsa_key, signer, trusting
from catalogue.rows import FAILED, Row, failed, fine
from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from hardware_sim.passport import der
from hardware_sim.passport.keys import Digest, SigningKey


def _rsa_authority() -> SigningKey:
    return SigningKey(rsa_key("authority"))


def rsa_signer(digest: Digest, *, pss: bool) -> Party:
    return signer(key=SigningKey(rsa_key("document signer"), pss=pss), digest=digest)


def by_rsa(digest: Digest, *, pss: bool, bare: bool = False) -> Callable[[], Case]:
    def make() -> Case:
        by = rsa_signer("sha256", pss=pss)
        named: Parts = {"algorithm": by.key.signature_algorithm(digest, bare_rsa=True)} if bare else {}
        return document(sod=Sod(by=by, digest=digest, info=named))

    return make


def by_pss_with(salt_bytes: int, *, claimed: int | None = None) -> Callable[[], Case]:
    """PSS with a salt of this length; the parameters claim it, or another one."""

    def make() -> Case:
        by = rsa_signer("sha256", pss=True)
        private = by.key.private
        assert isinstance(private, rsa.RSAPrivateKey)
        scheme = padding.PSS(padding.MGF1(digests.SHA256()), salt_bytes)
        shown = salt_bytes if claimed is None else claimed
        named = by.key.signature_algorithm("sha256", salt_claim_bytes=shown)
        return document(
            sod=Sod(
                by=by,
                info={"algorithm": named},
                sign=lambda _, message: private.sign(message, scheme, digests.SHA256()),
            )
        )

    return make


def by_curve(digest: Digest, *, plain_format: bool = False, dotted: str = "") -> Callable[[], Case]:
    """ECDSA on P-256; in the plain format r and s stand side by side (TR-03111 §5.2.2)."""

    def sign(key: SigningKey, message: bytes) -> bytes:
        made = key.sign(message, digest)
        if not plain_format:
            return made
        r, s = decode_dss_signature(made)
        return r.to_bytes(32) + s.to_bytes(32)

    named: Parts = {"algorithm": der.sequence(der.oid(dotted))} if dotted else {}
    return lambda: document(sod=Sod(digest=digest, info=named, sign=sign))


PLAIN_ECDSA = "0.4.0.127.0.7.1.1.4.1"
DIGESTS: tuple[Digest, ...] = ("sha1", "sha224", "sha256", "sha384", "sha512")

ROWS: tuple[Row, ...] = (
    *(
        fine(f"TR-03105-5.1 LDS_H_{case}", f"RSASSA-PKCS1 v1.5 with {digest}", by_rsa(digest, pss=False))
        for case, digest in zip(("01", "04", "05", "06", "07"), DIGESTS, strict=True)
    ),
    *(
        fine(
            f"TR-03105-5.1 LDS_H_{case}",
            f"the same with {digest}, named rsaEncryption",
            by_rsa(digest, pss=False, bare=True),
        )
        for case, digest in zip(("79", "80", "81", "82", "83"), DIGESTS, strict=True)
    ),
    *(
        fine(f"TR-03105-5.1 LDS_H_{case}", f"RSASSA-PSS with {digest}", by_rsa(digest, pss=True))
        for case, digest in zip(("02", "94", "03", "95", "96"), DIGESTS, strict=True)
    ),
    *(
        fine(f"TR-03105-5.1 LDS_H_{case}", f"ECDSA with {digest}", by_curve(digest))
        for case, digest in zip(("09", "70", "71", "72", "73"), DIGESTS, strict=True)
    ),
    *(
        fine(
            f"TR-03105-5.1 LDS_H_{9 + arc}",
            f"ECDSA with {digest} by the BSI's identifier",
            by_curve(digest, plain_format=True, dotted=f"{PLAIN_ECDSA}.{arc}"),
        )
        for arc, digest in enumerate(DIGESTS, start=1)
    ),
    fine(
        "TR-03105-5.1 LDS_H_74",
        "SHA-224 for the hashes, SHA-256 for the signature",
        lambda: document(sod=Sod(hashed="sha224")),
    ),
    fine(
        "TR-03105-5.1 LDS_H_78",
        "PSS for EF.SOD under a CSCA with PKCS1 v1.5",
        lambda: document(
            sod=Sod(
                by=signer(
                    authority("RSA CSCA", key=_rsa_authority()), key=SigningKey(rsa_key("document signer"), pss=True)
                )
            ),
            against=trusting(authority("RSA CSCA", key=_rsa_authority())),
        ),
    ),
    fine("RFC 4055 §3.1", "PSS, no salt", by_pss_with(0)),
    fine("RFC 4055 §3.1", "PSS, a salt of 20 bytes", by_pss_with(20)),
    fine("RFC 4055 §3.1", "PSS, a salt of 64 bytes", by_pss_with(64)),
    failed(
        "RFC 8017 §9.1.2",
        "PSS, a salt of another length than claimed",
        by_pss_with(20, claimed=32),
        sod_signature=FAILED,
    ),
)
