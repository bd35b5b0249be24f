"""Whatever bytes come, the simulated chip answers with a status and keeps its guarded files to itself."""

from __future__ import annotations

from document_fakes.sample_passports import ANNA, portrait, utopia
from fakes.chip_terminal import Protected, open_access
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware_sim.chip import RefusedError, terminal
from hardware_sim.chip.card import Card
from hardware_sim.passport import groups, lds
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.domain import MODP_1024_160, P256
from hardware_sim.passport.issuer import Passport

FINGERS = lds.dg3(b"the holder's fingers")
INSTRUCTIONS = (0x22, 0x2A, 0x82, 0x84, 0x86, 0x88, 0xA4, 0xB0, 0xB1)


def full_passport() -> Passport:
    features = Features(
        pace=(Pace(Mapping.GENERIC, 12, Cipher.AES_128), Pace(Mapping.INTEGRATED, 0, Cipher.TDES)),
        can="271828",
        chip_authentication=(Agreement(12),),
        terminal_authentication=True,
    )
    return utopia().issue(ANNA, portrait_jpeg=portrait(), features=features, extra_groups={3: FINGERS})


PASSPORT = full_passport()


def secured() -> Protected:
    return open_access(Card(PASSPORT).transmit, PASSPORT.mrz_lines[1])


def fields() -> st.SearchStrategy[bytes]:
    """Data objects that a protocol might look at, whole or cut."""
    tags = st.sampled_from([0x7C, 0x80, 0x81, 0x83, 0x84, 0x85, 0x91, 0x42])
    values = st.one_of(
        st.binary(max_size=40),
        st.just(bytes.fromhex("04007F00070202040202")),
        st.just(bytes.fromhex("04007F00070202030202")),
        st.sampled_from([b"\x01", b"\x02", b"\x0c"]),
    )
    one = st.builds(lambda tag, value: bytes((tag, len(value))) + value, tags, values)
    nested = st.builds(lambda inner: bytes((0x7C, len(inner))) + inner, one)
    return st.one_of(st.binary(max_size=60), st.lists(st.one_of(one, nested), max_size=4).map(b"".join))


def headers() -> st.SearchStrategy[bytes]:
    places = st.sampled_from(
        [b"\x00\x00", b"\xc1\xa4", b"\x41\xa4", b"\x41\xa6", b"\x81\xb6", b"\x81\xa4", b"\x00\xbe"]
    )
    return st.builds(lambda ins, place: bytes((ins,)) + place, st.sampled_from(INSTRUCTIONS), places)


@settings(deadline=None)  # the curve's arithmetic is slow, and the machine is shared
@given(commands=st.lists(st.tuples(st.sampled_from([0x00, 0x10]), headers(), fields()), max_size=6))
def test_no_plain_command_reads_what_is_not_free(commands: list[tuple[int, bytes, bytes]]) -> None:
    card = Card(PASSPORT)
    secrets = {content[:4] for name, content in PASSPORT.files.items() if name != "EF_CARD_ACCESS"}
    for cla, header, body in commands:
        answer = card.transmit(bytes((cla,)) + header + (bytes((len(body),)) + body if body else b"") + b"\x00")
        assert len(answer) >= 2
        assert answer[:4] not in secrets


@settings(deadline=None)  # the curve's arithmetic is slow, and the machine is shared
@given(commands=st.lists(st.tuples(headers(), fields()), max_size=5))
def test_no_well_protected_command_brings_the_card_down_or_shows_the_fingers(
    commands: list[tuple[bytes, bytes]],
) -> None:
    talk = secured()
    for header, body in commands:
        answer = talk.transmit(talk.wrap(b"\x0c" + header, body, 256, extended=True))
        if len(answer) == 2:  # the session is over, and nothing more can be read
            return
        if header[0] in {0x22, 0x86}:
            return  # new keys may serve now, and this terminal does not have them
        talk.unwrap(answer, odd=bool(header[0] % 2))
    answer = talk.transmit(talk.wrap(bytes.fromhex("0CA4020C"), b"\x01\x03"))
    assert answer[-2:] == b"\x69\x82"


@settings(deadline=None)  # the curve's arithmetic is slow, and the machine is shared
@given(content=st.binary(max_size=80))
def test_data_objects_parse_or_are_refused(content: bytes) -> None:
    try:
        parsed = terminal.parse_objects(content)
    except RefusedError:
        return
    assert sum(len(value) for value in parsed.values()) <= len(content)


@settings(deadline=None)  # the curve's arithmetic is slow, and the machine is shared
@given(element=st.binary(max_size=130), scalar=st.integers(0, 2**256))
def test_bytes_are_an_element_of_a_group_or_are_refused(element: bytes, scalar: int) -> None:
    for group in (groups.group_of(P256), groups.group_of(MODP_1024_160)):
        try:
            result = group.multiply(element, scalar)
        except groups.NotInGroupError:
            continue
        assert group.multiply(result, group.order + 1) == result


@settings(deadline=None)  # the curve's arithmetic is slow, and the machine is shared
@given(one=st.integers(1, 2**158), other=st.integers(1, 2**158))  # together below the smaller order
def test_multiples_of_the_generator_add_like_numbers(one: int, other: int) -> None:
    for group in (groups.group_of(P256), groups.group_of(MODP_1024_160)):
        left, right = (group.multiply(group.generator, scalar) for scalar in (one, other))
        assert group.add(left, right) == group.multiply(group.generator, one + other)
