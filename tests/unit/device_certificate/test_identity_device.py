"""The identity of a gate: which certificate and which authorities it takes, and what kills and lies leave of it."""

from __future__ import annotations

import base64
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from central_fakes.server import GATE_ID, NOW
from core_fakes.killing import killed_at, refused
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7

from gate.device_certificate.authorities import AuthorityError, followed, read_bag, read_pem, to_pem
from gate.device_certificate.device import AUTHORITIES, DEVICE, Identity, IdentityError, Wanted, write_authorities
from gate.provision.enrolment import Answer, headers, read_answer
from gate.provision.steps import StepError
from gate_central import authority
from gate_central.authority import Authority
from gate_core.command_line.output import Exit

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
STEPS_MAX = 60
VKEY = "central.example/mirror+00000000+AAAA"


@pytest.fixture(scope="module")
def root() -> Authority:
    return authority.found("central.example", NOW)


@pytest.fixture
def wanted() -> Wanted:
    return Wanted.new(GATE_ID)


def bag(*certificates: x509.Certificate) -> bytes:
    return base64.b64encode(pkcs7.serialize_certificates(list(certificates), Encoding.DER))


def issued(root: Authority, wanted: Wanted, gate_id: str = GATE_ID) -> x509.Certificate:
    return authority.issue_device(root, gate_id, wanted.key.public_key(), NOW)


def test_a_certificate_for_another_key_gate_time_or_use_or_of_another_authority_is_refused(
    root: Authority, wanted: Wanted
) -> None:
    trusted = (root.certificate,)
    other = authority.found("central.example", NOW)
    key = wanted.key.public_key()
    wrong = [
        bag(issued(root, Wanted.new(GATE_ID))),
        bag(issued(root, wanted, "gate-0002")),
        bag(issued(other, wanted)),
        bag(authority.issue_server(root, GATE_ID, key, NOW)),
        bag(authority.issue_device(root, GATE_ID, key, NOW - timedelta(days=authority.DEVICE_DAYS))),
        bag(authority.issue_device(root, GATE_ID, key, NOW + timedelta(days=1))),
        bag(issued(root, wanted), issued(root, wanted)),
        bag(root.certificate),
        b"!!!",
        b"AAAA",
        b"",
    ]
    for body in wrong:
        with pytest.raises(IdentityError):
            wanted.accept(body, trusted, NOW)
        with pytest.raises(StepError):
            read_answer(Answer(200, body, VKEY), wanted, trusted, NOW)
    device = wanted.accept(bag(issued(root, wanted)), trusted, NOW)
    key_there = load_pem_private_key(device, password=None)
    assert isinstance(key_there, ec.EllipticCurvePrivateKey)
    assert x509.load_pem_x509_certificate(device).public_key() == key_there.public_key()


def test_what_the_server_says_ends_in_words_that_can_be_printed_and_in_their_kind(
    root: Authority, wanted: Wanted
) -> None:
    for status, kind in (
        (403, Exit.NOT_PERMITTED),
        (503, Exit.UNREACHABLE),
        (500, Exit.UNREACHABLE),
        (404, Exit.BAD_DATA),
    ):
        with pytest.raises(StepError) as caught:
            read_answer(Answer(status, b"no\x1b[2J"), wanted, (root.certificate,), NOW)
        assert caught.value.code is kind
        assert str(caught.value).isprintable()
    good = bag(issued(root, wanted))
    for vkey in ("", "x" * 2000, "\x1b[2J"):
        with pytest.raises(StepError, match="receipts"):
            read_answer(Answer(200, good, vkey), wanted, (root.certificate,), NOW)


def test_neither_key_nor_token_is_shown(root: Authority, wanted: Wanted) -> None:
    enrolled = read_answer(Answer(200, bag(issued(root, wanted)), VKEY), wanted, (root.certificate,), NOW)
    assert "PRIVATE" not in repr(enrolled)
    assert "key" not in repr(wanted).lower()
    assert "secret" not in str(headers(gate_id=GATE_ID, token="secret-token", log_vkey=VKEY))
    assert "key" not in repr(authority.found("x", NOW)).lower()


# ── the folder ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(root: Authority, wanted: Wanted, tmp_path: Path) -> Path:
    write_authorities(tmp_path / AUTHORITIES, (root.certificate,))
    (tmp_path / DEVICE).write_bytes(wanted.accept(bag(issued(root, wanted)), (root.certificate,), NOW))
    return tmp_path


def test_it_is_renewed_after_two_thirds_of_its_life(folder: Path) -> None:
    identity = Identity.load(folder)
    assert abs(identity.renewed_from - (NOW + timedelta(days=60))) < timedelta(minutes=10)
    assert identity.days_to_go(NOW + timedelta(days=80)) == 10
    assert identity.days_to_go(NOW + timedelta(days=91)) == -1


def test_a_kill_at_any_step_of_a_renewal_leaves_one_identity_whole(folder: Path, root: Authority) -> None:
    old, wanted = (folder / DEVICE).read_bytes(), Wanted.new(GATE_ID)
    new = wanted.accept(bag(issued(root, wanted)), (root.certificate,), NOW)
    identity, found = Identity.load(folder), []
    for step in range(1, STEPS_MAX):
        (folder / DEVICE).write_bytes(old)
        killed = killed_at(step, partial(identity.renew, new))
        found.append((folder / DEVICE).read_bytes())
        assert found[-1] in {old, new}
        Identity.load(folder)
        if not killed:
            break
    assert {old, new} == set(found)
    assert (folder / DEVICE).stat().st_mode & 0o777 == 0o600


def test_a_full_disk_leaves_the_identity_that_is_in_force(folder: Path) -> None:
    old = (folder / DEVICE).read_bytes()
    assert "No space left" in refused(partial(Identity.load(folder).renew, b"new"), at="fsync")
    assert ((folder / DEVICE).read_bytes(), len(list(folder.iterdir()))) == (old, 2)


def test_a_folder_that_is_not_whole_says_so(folder: Path) -> None:
    (folder / AUTHORITIES).write_bytes(b"nonsense")
    with pytest.raises(IdentityError, match="no authority"):
        Identity.load(folder)
    (folder / AUTHORITIES).write_bytes(bytes(100_000))
    with pytest.raises(IdentityError, match="longer"):
        Identity.load(folder)
    (folder / AUTHORITIES).unlink()
    with pytest.raises(FileNotFoundError):
        Identity.load(folder)


# ── authorities ──────────────────────────────────────────────────────────────────────────────────────────────────────


def next_of(old: Authority) -> tuple[Authority, x509.Certificate]:
    """The next root, and the old one's word for it."""
    key = authority.new_key()
    made = Authority(key, authority.found_with(key, old.certificate.subject, NOW))
    return made, authority.certify_next(old, made.certificate, NOW)


def test_a_gate_follows_the_word_of_a_root_that_it_trusts_and_forgets_the_one_that_is_shown_no_more(
    root: Authority,
) -> None:
    second, word = next_of(root)
    third, word_after = next_of(second)
    both = followed((root.certificate,), (second.certificate, root.certificate, word), NOW)
    assert set(both) == {root.certificate, second.certificate}
    assert followed(both, (second.certificate,), NOW) == (second.certificate,)
    shown = (third.certificate, word_after, second.certificate, word)  # away for two rotations
    assert set(followed((root.certificate,), shown, NOW)) == {second.certificate, third.certificate}


def test_a_root_that_none_vouches_for_is_not_followed(root: Authority) -> None:
    stranger = authority.found("central.example", NOW)
    _, word = next_of(root)
    forged = authority.certify_next(stranger, stranger.certificate, NOW)
    device = issued(root, Wanted(GATE_ID, stranger.key))  # the stranger's key, in a certificate that is no authority's
    shown = (root.certificate, stranger.certificate, word, forged, device)
    assert followed((root.certificate,), shown, NOW) == (root.certificate,)
    with pytest.raises(AuthorityError, match="no authority"):
        followed((root.certificate,), (stranger.certificate, forged, word), NOW)
    with pytest.raises(AuthorityError):
        followed((root.certificate,), (root.certificate,), NOW + timedelta(days=authority.AUTHORITY_DAYS))


def test_bytes_that_are_no_authorities_are_one_clear_error(root: Authority) -> None:
    device = issued(root, Wanted.new(GATE_ID))
    for pem in (b"", b"nonsense", to_pem([device]), to_pem([root.certificate] * 9)):
        with pytest.raises(AuthorityError):
            read_pem(pem)
    for body in (b"", b"!!!", b"AAAA", bag(*[root.certificate] * 9)):
        with pytest.raises(AuthorityError):
            read_bag(body)
    assert read_pem(to_pem([root.certificate])) == (root.certificate,)
