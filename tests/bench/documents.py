"""Travel documents against the floors that were set for them: passive authentication, trust lists, reads, PACE.

Passive authentication and the lists are measured on real data that stands beside the checkout, not in it; without it their
rows are left out with a note, as those of the reads are where no PC/SC service can be started.
"""

from __future__ import annotations

import functools
import json
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from document_fakes.document_chip import converse
from document_fakes.long_lists import ENTRIES_OF_8_MIB, REASON_AND_DATE, many
from document_fakes.master_lists import party
from document_fakes.sample_passports import ANNA, portrait, utopia

from bench.rows import Bench, Row
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_core.command_line.output import note
from gate_documents.access.chip_access import Chip
from gate_documents.authenticity.passive_authentication import SecurityVerdict, judge_sod
from gate_documents.mrz.parser import parse
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.keys import PublicKey, RsaKey
from gate_documents.pki.revocation import parse_revocation_list
from gate_documents.pki.signatures import Kind, Scheme, parse_scheme
from hardware_sim.chip.card import Card
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace

Answer = TypeVar("Answer")

SOD_EXTRA_FLOOR_MS = 1.0
SOD_WORST_FLOOR_MS = 15.0
IMPORT_FLOOR_MS = 6000.0
LOAD_FLOOR_MS = 50.0
REASONS_FLOOR = 3.0  # it was 18
READ_FLOOR_MS = 150.0
PACE_HOST_FLOOR_MS = 40.0

IMPORT_ROUNDS_MAX = 3  # each takes seconds
READ_DEADLINE_S = 300
P256_PARAMETERS = 12  # ICAO 9303-11 table 6
# Those whose country signing certificate is published. New Zealand's of 2013 is in no list.
REAL_SODS = ("AT", "AU", "CN", "FI", "FR", "ID", "RU", "SG")
_DATA = Path(__file__).resolve().parents[2].parent / "shared/data/emrtd"
_GERMAN_LIST = _DATA / "masterlist/DE_ML_2026-05-28.ml"
_GERMAN_ROOT = _DATA / "masterlist/DE_ROOT_CA_CSCA07.cer"
_NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
_CURVES = {
    curve.name: curve
    for curve in (
        ec.SECP224R1(),
        ec.SECP256R1(),
        ec.SECP384R1(),
        ec.SECP521R1(),
        ec.BrainpoolP256R1(),
        ec.BrainpoolP384R1(),
        ec.BrainpoolP512R1(),
    )
}


@dataclass(frozen=True, slots=True)
class _Lists:
    """What the German list costs, and the store that it makes, with the Indonesian certificates besides."""

    import_ms: float
    load_ms: float
    store: TrustStore


@dataclass(frozen=True, slots=True)
class _Sods:
    """Medians over the security objects, each its own median over the rounds; `worst_ms` is the slowest judgment of all."""

    ours_ms: float
    bare_ms: float
    extra_ms: float
    worst_ms: float


def sod_extra(bench: Bench) -> Row | None:
    """What judging a security object up to its CSCA costs over its two signatures, in the same process: parsing, search, rules."""
    if not _has_data("sod_extra"):
        return None
    return _against_floor("sod_extra", _sods(bench.rounds).extra_ms, SOD_EXTRA_FLOOR_MS)


def sod_judged(bench: Bench) -> Row | None:
    """The whole judgment, beside the two bare signatures."""
    if not _has_data("sod_judged"):
        return None
    sods = _sods(bench.rounds)
    return Row(
        name="sod_judged",
        ours=sods.ours_ms,
        unit="ms",
        peer=sods.bare_ms,
        peer_name="cryptography, both signatures only",
    )


def sod_worst(bench: Bench) -> Row | None:
    """The slowest judgment of all, the first one of each included, in which its country's certificates are parsed and nothing is warm."""
    if not _has_data("sod_worst"):
        return None
    return _against_floor("sod_worst", _sods(bench.rounds).worst_ms, SOD_WORST_FLOOR_MS)


def trust_import(bench: Bench) -> Row | None:
    """The German master list of 2026 from its file into a new store, every certificate verified."""
    if not _has_data("trust_import"):
        return None
    return _against_floor("trust_import", _lists(bench.rounds).import_ms, IMPORT_FLOOR_MS)


def trust_load(bench: Bench) -> Row | None:
    """That store opened."""
    if not _has_data("trust_load"):
        return None
    return _against_floor("trust_load", _lists(bench.rounds).load_ms, LOAD_FLOOR_MS)


def revocation_reasons(bench: Bench) -> Row:
    """The longest list that is read, a reason and a date with every entry, beside one of as many entries that have neither."""
    authority = party("CSCA", key=ec.generate_private_key(ec.SECP256R1()))
    lists = [many(authority, ENTRIES_OF_8_MIB, extensions) for extensions in (REASON_AND_DATE, b"")]
    took_ms = [[_timed(lambda one=one: parse_revocation_list(one))[0] for one in lists] for _ in range(bench.rounds)]  # type: ignore[misc]
    ours_ms, plain_ms = (statistics.median(found) for found in zip(*took_ms, strict=True))
    return Row(
        name="revocation_reasons",
        ours=ours_ms,
        unit="ms",
        peer=plain_ms,
        peer_name="without reasons and dates",
        floor=REASONS_FLOOR,
    )


def read_undelayed(bench: Bench) -> Row | None:
    """A whole inspection with BAC, secure messaging, AA and 15 kB of DG2, the card's own computing included."""
    reads = _reads(bench.rounds, "read_undelayed")
    return None if reads is None else _against_floor("read_undelayed", reads["undelayed_ms"], READ_FLOOR_MS)


def read_slow(bench: Bench) -> Row | None:
    """The same with a card at 424 kbit/s that thinks 10 ms about each command."""
    reads = _reads(bench.rounds, "read_slow")
    return None if reads is None else Row(name="read_slow", ours=reads["slow_ms"], unit="ms")


def read_slow_ours(bench: Bench) -> Row | None:
    """What of that is ours: all that is not spent within the PC/SC library's transmissions."""
    reads = _reads(bench.rounds, "read_slow_ours")
    return None if reads is None else Row(name="read_slow_ours", ours=reads["slow_ours_ms"], unit="ms")


def pace_host(bench: Bench) -> Row:
    """Opening a chip by PACE with generic mapping on P-256, EF.CardAccess included, less the card's time."""
    features = Features(pace=(Pace(Mapping.GENERIC, P256_PARAMETERS, Cipher.AES_128),))
    passport = utopia().issue(ANNA, portrait_jpeg=portrait(), features=features)
    mrz = parse(passport.mrz_lines).key
    host_ms = []
    for _ in range(1 + bench.rounds):
        chip = Chip(mrz_key=mrz, random=secrets.token_bytes)
        card = _TimedCard(Card(passport))
        took_ms, _ = _timed(lambda chip=chip, card=card: converse(chip.open(), card.transmit))  # type: ignore[misc]
        assert chip.way is not None
        host_ms.append(took_ms - card.took_ms)
    return _against_floor("pace_host", statistics.median(host_ms[1:]), PACE_HOST_FLOOR_MS)


class _TimedCard:
    """A card that keeps account of its own time."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self.took_ms = 0.0

    def transmit(self, apdu: bytes) -> bytes:
        took_ms, answer = _timed(lambda: self._card.transmit(apdu))
        self.took_ms += took_ms
        return answer


@functools.cache
def _lists(rounds: int) -> _Lists:
    with tempfile.TemporaryDirectory() as folder:
        stores = [Path(folder, f"{number}.sqlite") for number in range(min(rounds, IMPORT_ROUNDS_MAX))]
        import_ms = [_timed(functools.partial(_import, store, [_GERMAN_LIST], _GERMAN_ROOT))[0] for store in stores]
        load_ms = [_timed(lambda: TrustStore.open(stores[0]))[0] for _ in range(rounds)]
        _import(stores[0], sorted(_DATA.glob("certs/IDN_*.cer")), None)
        return _Lists(statistics.median(import_ms), statistics.median(load_ms), TrustStore.open(stores[0]))


def _import(store: Path, files: list[Path], signer: Path | None) -> None:
    report = import_sources(
        store,
        [read_source(file.name, file.read_bytes()) for file in files],
        signer=None if signer is None else parse_certificate(signer.read_bytes()),
        test=False,
        now=_NOW,
    )
    assert report.accepted == report.certificates > 0


@functools.cache
def _sods(rounds: int) -> _Sods:
    """Judge each security object and verify its two signatures in turn, so that a busy machine slows both.

    Every judgment has bytes of its own, and makes its own objects of them. Warm are what a gate keeps between passports: the
    CSCA's certificate and key in the loaded store, and the identifiers and curve parameters that were met before. The bare
    signatures have keys that are ready.
    """
    anchors = _lists(rounds).store
    worst_ms, ours_ms, bare_ms, extra_ms = 0.0, [], [], {}
    for country in REAL_SODS:
        content = (_DATA / f"sod/{country}.sod.bin").read_bytes()
        first_ms, verdict = _judged(content, anchors)
        bare = _bare_verifications(verdict)
        bare()
        pairs = [(_judged(content, anchors)[0], _timed(bare)[0]) for _ in range(rounds)]
        worst_ms = max(worst_ms, first_ms, *(ours for ours, _ in pairs))
        ours_ms.append(statistics.median(ours for ours, _ in pairs))
        bare_ms.append(statistics.median(theirs for _, theirs in pairs))
        extra_ms[country] = statistics.median(ours - theirs for ours, theirs in pairs)
    note("sod_extra by country, ms: " + ", ".join(f"{country} {ms:.2f}" for country, ms in extra_ms.items()))
    return _Sods(statistics.median(ours_ms), statistics.median(bare_ms), statistics.median(extra_ms.values()), worst_ms)


def _judged(content: bytes, anchors: TrustStore) -> tuple[float, SecurityVerdict]:
    fresh = bytes(bytearray(content))
    return _timed(lambda: judge_sod(fresh, anchors, _NOW))


def _bare_verifications(verdict: SecurityVerdict) -> Callable[[], None]:
    """Both signatures of a proven security object with keys that are ready: no parsing, no search, no rules."""
    assert verdict.security is not None
    assert verdict.signer is not None
    assert verdict.anchor is not None
    (signer,) = verdict.security.message.signers
    signed = signer.attributes or verdict.security.message.content
    of_sod = _bare(verdict.signer.public_key, signer.scheme, signed, signer.signature)
    certificate = verdict.signer
    scheme = parse_scheme(certificate.algorithm)
    of_signer = _bare(verdict.anchor.certificate.public_key, scheme, certificate.tbs, certificate.signature)

    def both() -> None:
        of_sod()
        of_signer()

    return both


def _bare(key: PublicKey, scheme: Scheme, message: bytes, signature: bytes) -> Callable[[], None]:
    chosen: hashes.HashAlgorithm = getattr(hashes, scheme.hash.upper())()
    if not isinstance(key, RsaKey):
        assert scheme.kind is Kind.ECDSA
        point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[key.curve.name], key.point)
        return lambda: point.verify(signature, message, ec.ECDSA(chosen))
    pad: padding.AsymmetricPadding = padding.PKCS1v15()
    if scheme.kind is Kind.RSA_PSS:
        pad = padding.PSS(padding.MGF1(getattr(hashes, scheme.mask_hash.upper())()), scheme.salt_bytes)
    public = rsa.RSAPublicNumbers(key.exponent, key.modulus).public_key()
    return lambda: public.verify(signature, message, pad, chosen)


@functools.cache
def _measured_reads(rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.document_read", folder, str(rounds)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=READ_DEADLINE_S)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _reads(rounds: int, name: str) -> dict[str, Any] | None:
    reads = _measured_reads(rounds)
    if "absent" in reads:
        note(f"{name} is left out: no PC/SC here ({reads['absent']})")
        return None
    return reads


def _has_data(name: str) -> bool:
    present = _GERMAN_LIST.exists()
    if not present:
        note(f"{name} is left out: there is no shared/data/emrtd beside the checkout")
    return present


def _timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    started = time.perf_counter()
    answer = work()
    return (time.perf_counter() - started) * 1000, answer


def _against_floor(name: str, ours_ms: float, floor_ms: float) -> Row:
    return Row(name=name, ours=ours_ms, unit="ms", peer=floor_ms, peer_name="the floor", floor=1.0)
