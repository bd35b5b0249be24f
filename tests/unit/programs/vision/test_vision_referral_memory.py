"""What vision remembers of the latest referrals: for minutes, so many of them, and overwritten afterwards."""

from __future__ import annotations

from gate.channel.vision_messages import REMEMBERED_FACES_MAX
from gate.programs.vision.face_children import Memory


def test_what_is_remembered_is_forgotten_at_its_time() -> None:
    memory = Memory()
    memory.remember(b"anna-anna", until_s=60)
    memory.remember(b"ben-ben", until_s=30)
    assert memory.at(29.9) == [b"anna-anna", b"ben-ben"]
    assert memory.at(30) == [b"anna-anna"]
    assert memory.at(60) == []


def test_what_is_forgotten_is_overwritten() -> None:
    memory = Memory()
    memory.remember(b"anna-anna", until_s=60)
    content = memory._kept[0][1]
    memory.forget(61)
    assert content == bytes(9)


def test_the_oldest_makes_room() -> None:
    memory = Memory()
    for number in range(REMEMBERED_FACES_MAX + 2):
        memory.remember(f"{number}".encode(), until_s=60)
    assert memory.at(0) == [f"{number}".encode() for number in range(2, REMEMBERED_FACES_MAX + 2)]
