"""When the folder of lists is imported: settled, changed, or failed and worth another try."""

from __future__ import annotations

from gate.programs.sync.lists import RETRY_MAX_S, RETRY_MIN_S, Schedule, Seen
from gate.trust.download_folder import Entry


def seen(*sizes: int) -> Seen:
    return Seen(tuple(Entry(f"{number}.ml", number, size, 1) for number, size in enumerate(sizes)))


class Folder:
    """What the program does: looks, and imports when that is due."""

    def __init__(self) -> None:
        self.schedule = Schedule()
        self.now_s = 0.0

    def looks(self, found: Seen, *, well: bool = True, later_s: float = 1.0) -> bool:
        self.now_s += later_s
        due = self.schedule.is_due(found, self.now_s)
        if due:
            self.schedule.imported(found, self.now_s, well=well)
        return due


def test_a_folder_is_imported_once_it_looks_the_same_twice_and_then_left_alone() -> None:
    folder = Folder()
    assert [folder.looks(seen(5)) for _ in range(4)] == [False, True, False, False]


def test_a_file_that_still_grows_is_not_taken() -> None:
    folder = Folder()
    assert [folder.looks(seen(size)) for size in (1, 2, 3, 4, 4)] == [False] * 4 + [True]


def test_a_change_is_imported_when_it_has_settled() -> None:
    folder = Folder()
    assert [folder.looks(one) for one in (seen(5), seen(5), seen(5, 6), seen(5, 6), seen(5), seen(5))] == [
        False,
        True,
    ] * 3


def test_an_empty_folder_and_one_that_cannot_be_looked_at_are_never_imported() -> None:
    folder = Folder()
    for nothing in (Seen(), Seen(problem="gone")):
        assert not any(folder.looks(nothing) for _ in range(3))
    assert [folder.looks(seen(5)) for _ in range(2)] == [False, True]


def test_a_failed_import_is_tried_again_after_pauses_that_double_up_to_a_bound() -> None:
    folder = Folder()
    folder.looks(seen(5))
    assert folder.looks(seen(5), well=False)
    pauses_s: list[float] = []
    while len(pauses_s) < 9:
        pause_s = 1.0
        while not folder.looks(seen(5), well=False):
            pause_s += 1.0
        pauses_s.append(pause_s)
    assert pauses_s[:3] == [RETRY_MIN_S, 2 * RETRY_MIN_S, 4 * RETRY_MIN_S]
    assert pauses_s[-2:] == [RETRY_MAX_S, RETRY_MAX_S]
    assert folder.looks(seen(5), later_s=RETRY_MAX_S)
    assert not folder.looks(seen(5), later_s=RETRY_MAX_S)


def test_a_change_after_a_failed_import_does_not_wait_and_begins_the_pauses_anew() -> None:
    folder = Folder()
    folder.looks(seen(5))
    for _ in range(4):
        folder.looks(seen(5), well=False, later_s=RETRY_MAX_S)
    assert [folder.looks(seen(6), well=False), folder.looks(seen(6), well=False)] == [False, True]
    assert folder.looks(seen(6), later_s=RETRY_MIN_S)


def test_what_changed_during_an_import_is_imported_next() -> None:
    folder = Folder()
    assert [folder.looks(seen(5)) for _ in range(2)] == [False, True]
    assert [folder.looks(seen(6)) for _ in range(2)] == [False, True]
