"""The tour's scenes: who comes, what is told before and after, and how long whoever sits at the console has. Pure.

What is told after a scene is told of a scene that went as its stories say; of any other one, that it did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECONDS_MAX: Final = 300  # the whole tour, whatever whoever watches does
VISIT_S: Final = 10.0  # a traveller, from coming to the lane's being free again, without an officer's thinking


@dataclass(frozen=True, slots=True)
class Visitor:
    """A traveller of the simulated world, and what is told while they are there."""

    scenario: str
    told: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene. `reads_s` is before the first traveller comes, `stays_s` after the last one has left; `thinks_s` is how long a person at the
    console has before the automatic officer takes over. `is_theirs`: it is about that person's deciding.
    """

    title: str
    before: str
    after: str
    visitors: tuple[Visitor, ...] = ()
    reads_s: float = 7.0
    stays_s: float = 4.0
    thinks_s: float = 0.0
    is_theirs: bool = False

    @property
    def seconds(self) -> float:
        """How long it lasts at most, on a machine that keeps up."""
        return self.reads_s + len(self.visitors) * (VISIT_S + self.thinks_s) + self.stays_s


BORROWED: Final = "someone_elses_passport"
OTHERWISE: Final = "This went otherwise than the story says. The log has what happened, and the last page counts it."
SCENES: Final = (
    Scene(
        "A traveller with a passport of their own",
        "The gate reads the document, proves its chip genuine, looks at the traveller and compares. The leaf opens only after the decision is on disk.",
        "Admitted. Before the leaf moved, the record was durable; what was captured of the traveller is erased now.",
        (Visitor("genuine", "A genuine passport and its holder."),),
        reads_s=9.0,
    ),
    Scene(
        "Three who are not who they say",
        "A borrowed passport, a cloned chip, a face on a screen. Watch the traveller's screen: the same calm words for all three. Only the officer is told why.",
        "The gate refused nobody: it called an officer three times. Nobody in the queue, and no impostor, learns from the screen what was found.",
        (
            Visitor(BORROWED, "A genuine passport that belongs to somebody else."),
            Visitor("no_private_key", "A cloned chip: every file is genuine, the chip's own key is missing."),
            Visitor("picture_on_a_screen", "The holder's picture, on a screen held before the camera."),
        ),
        thinks_s=6.0,
    ),
    Scene(
        "You are the officer",
        "The next traveller waits for you. In the console: compare the two faces, say what you see, then decide and give a reason.",
        "Whatever was decided stands in the log under the officer's name, signed with the key of their shift. No page can order anything by itself.",
        (Visitor("expired", "Decide in the console: say what you see, choose, give a reason, send."),),
        reads_s=6.0,
        thinks_s=30.0,
        is_theirs=True,
    ),
    Scene(
        "Somebody slips in behind",
        "A second person follows close behind an admitted one. The lane counts bodies, and the leaf closes between them.",
        "One passed, one did not: an admission is good for one person. The log has that there were two.",
        (Visitor("tailgater", "Two bodies in the lane, one admission."),),
        thinks_s=4.0,
    ),
    Scene(
        "Fire",
        "The fire alarm goes off while somebody is served. Emergencies never wait: not for the log, not for a decision.",
        "The leaf opened by the fire loop alone, without the software. The lane stays open until an officer says that it is over.",
        (Visitor("fire", "The lane is free to leave; the officer ends the emergency."),),
        thinks_s=5.0,
    ),
    Scene(
        "The network is cut",
        "The central server is gone. The gate needs nobody to decide; the log goes on here, and the copy catches up later.",
        "Served as before, without a network. The server has come back, and verifies what it missed.",
        (Visitor("central_away", "A genuine traveller; the central server does not answer."),),
        stays_s=5.0,
    ),
    Scene(
        "Help, without a document",
        "Somebody has no document, and no words either: they touch the sign for an officer.",
        "An officer came. Asking opens nothing and hides nothing, and nobody has to say why.",
        (Visitor("help_without_document", "No passport on the reader: a touch on the screen."),),
        thinks_s=10.0,
    ),
    Scene(
        "One byte of the log is changed",
        "An auditor carries the log away and verifies it with a program that shares no code with the gate. Then somebody changes one byte of one record.",
        "Found, and where. Each entry is bound to all the others under one signed root, and the central server holds a copy that it has verified itself.",
        stays_s=7.0,
    ),
)
CAST: Final = tuple(visitor.scenario for scene in SCENES for visitor in scene.visitors)
SIMULATED: Final = (
    "The people: faces rendered of invented persons, and one portrait in the public domain. They walk, stand and hold pictures as a script says.",
    "The documents: passports of an invented state with its own keys, in chips that speak the real protocols.",
    "The hardware: barrier, reader, camera and beams are programs, with the lines, times and faults of real ones.",
    "The officer who takes over when nobody at the console decides.",
)
REAL: Final = "Not simulated: the gate's programs, both pages, the console, the audit log, the central server and the verifier. They are those that a gate runs."
UNKNOWN: Final = (
    "How often it mistakes real people for one another, and whom it serves worse: rendered faces do not tell.",
    "What real attackers would bring: masks, deepfakes behind the lens, chips attacked in a laboratory.",
    "How it does on a Jetson, with a real barrier, in sunlight, with a queue: nothing was measured yet.",
    "Whether people understand the pictures: no study with people was done.",
)
