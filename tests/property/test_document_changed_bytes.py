"""A genuine passport with one changed byte in one of its files is never successful as a whole.

Two files are signed by nobody: EF.COM is held against EF.SOD, EF.CardAccess against EF.DG14. Small files are changed at every
byte, long ones at steps that no length of theirs is a multiple of; to what value, a seeded die says.
"""

import dataclasses
import random
from collections.abc import Callable

import pytest
from fakes.inspections import inspected, issued

from gate.document.checks import Result
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport

STEP_FROM_BYTES = 120
STEP = 37


def basic() -> Passport:
    return issued()


def modern() -> Passport:
    way = Pace(Mapping.GENERIC, 12, Cipher.AES_128)
    return issued(features=Features(pace=(way,), chip_authentication=(Agreement(12, Cipher.AES_128),)))


@pytest.mark.parametrize("document", [basic, modern])
def test_the_unchanged_passport_is_successful(document: Callable[[], Passport]) -> None:
    assert inspected(document()).overall is Result.SUCCESSFUL


@pytest.mark.parametrize("document", [basic, modern])
def test_a_changed_byte_of_any_file_is_never_overall_successful(document: Callable[[], Passport]) -> None:
    genuine = document()
    dice = random.Random(11)
    tried = 0
    for name, content in genuine.files.items():
        for position in range(0, len(content), 1 if len(content) <= STEP_FROM_BYTES else STEP):
            changed = bytearray(content)
            changed[position] ^= dice.randrange(1, 256)
            altered = dataclasses.replace(genuine, files={**genuine.files, name: bytes(changed)})
            tried += 1
            assert inspected(altered).overall is not Result.SUCCESSFUL, (name, position)
    assert tried > 200
