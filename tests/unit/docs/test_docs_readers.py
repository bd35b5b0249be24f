"""docs/protocols/readers.md says what the code does: profiles, drivers, bytes, the sidecar."""

from __future__ import annotations

import re
import typing
from pathlib import Path

from drivers.reader.keyboard import CHARACTERS_MIN, PAUSE_MS, WEDGE_INTERVAL_MS_MAX
from drivers.reader.page_folder import ENTRIES_MAX, PICTURES, REMOVED_NAME, SETTLE_S, parse_sidecar
from drivers.reader.profile import ImagerProfile, all_profiles
from drivers.reader.settings import MrzReaderSettings
from gate.picture import PICTURE_BYTES_MAX
from gate_core.ports.values import PageResult, VendorCheck
from hardware_sim.readers.device import Fault
from hardware_sim.readers.kinds import KINDS

DOCS = Path(__file__).resolve().parents[3] / "docs/protocols"
TEXT = (DOCS / "readers.md").read_text()


def test_every_driver_and_profile_has_its_row() -> None:
    drivers = {kind.__struct_config__.tag for kind in typing.get_args(MrzReaderSettings)}
    table = TEXT.partition("`gate provision find-reader")[0]
    assert drivers == set(re.findall(r"^\| `([a-z]+)` \|", table, flags=re.MULTILINE))
    for name in all_profiles():
        assert f"`{name}`" in TEXT


def test_the_imagers_commands_are_the_documented_bytes() -> None:
    for profile in all_profiles().values():
        if isinstance(profile, ImagerProfile):
            assert f"`{profile.command_start}`" in TEXT
            assert all(f"`{command}`" in TEXT for command in profile.setup)


def test_the_sidecars_example_is_one_and_its_words_are_all_there() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(parse_sidecar(example.encode()).verdicts) == 2
    for word in (*VendorCheck, *PageResult):
        assert f"`{word.value}`" in TEXT


def test_the_numbers_are_the_codes() -> None:
    assert f"{PAUSE_MS} ms without a key" in TEXT
    assert f"{CHARACTERS_MIN} characters or more, median distance {WEDGE_INTERVAL_MS_MAX:.0f} ms" in TEXT
    assert f"for {SETTLE_S} s" in TEXT
    assert f"{PICTURE_BYTES_MAX // 2**20} MiB at most; more than {ENTRIES_MAX} files" in TEXT
    assert f"`{REMOVED_NAME}`" in TEXT
    assert all(ending.removeprefix(".") in TEXT for ending in PICTURES)


def test_the_worlds_document_names_every_reader_and_fault() -> None:
    text = (DOCS / "simulated-world.md").read_text()
    assert all(f"`{name}`" in text for name in (*KINDS, *(fault.value for fault in Fault)))
