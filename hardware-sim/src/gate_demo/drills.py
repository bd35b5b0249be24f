"""Drills: days at the gate on which an officer meets what Frontex and secunet list as exceptions, and what people are owed at a border.

Pure. Each case is one of the simulated world's stories, what an officer must do about it and must not, and why. What nothing in the gate can
raise yet is listed as that. Sources: Frontex, Best Practice Operational Guidelines for ABC systems, §3.8; secunet, How
does ABC work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gate_core.orders.verbs import Verb

FRONTEX: Final = "Frontex"
SECUNET: Final = "secunet"
RIGHTS: Final = "human rights"
SITE: Final = "the site's rules"
_HAND_OVER: Final = (frozenset({Verb.HAND_OVER}),)
_NEVER: Final = frozenset({Verb.ADMIT})


@dataclass(frozen=True, slots=True)
class Case:
    """A story. Of each of `right` one order must have been given, and none of `never`; `why` is told afterwards.

    `sees` is what the officer sees in the lane with their own eyes as the traveller comes, where no program of the gate can tell it.
    """

    scenario: str
    why: str
    sees: str = ""
    right: tuple[frozenset[Verb], ...] = _HAND_OVER
    never: frozenset[Verb] = _NEVER


@dataclass(frozen=True, slots=True)
class Drill:
    """A day. `serves` is whom the lane serves, as `gate officer mode` names them."""

    name: str
    title: str
    source: str
    cases: tuple[Case, ...]
    lane: str = "one-door"
    reader: str = "elyctis"
    serves: str = "all"


GENUINE: Final = Case(
    "genuine",
    "A traveller with a passport of their own: the gate admits them, and there is nothing to do.",
    right=(),
    never=frozenset({Verb.REFER, Verb.PAUSE, Verb.CLOSE, Verb.OPEN_EMERGENCY}),
)
_DRILLS: Final = (
    Drill(
        "malfunction",
        "Something fails while a traveller is served",
        FRONTEX,
        (
            Case(
                "barrier_cut",
                "The barrier's cable was pulled during a grant. The document was good; take them over all the same, for nobody saw who passed.",
            ),
            Case(
                "lane_killed",
                "The lane's program ended and began anew. What it had found is gone: take the traveller over.",
            ),
            GENUINE,
        ),
    ),
    Drill(
        "out-of-service",
        "The gate cannot serve",
        FRONTEX,
        (
            Case(
                "covered_camera",
                "The camera was covered and saw nobody. Take the traveller over, and have a look at the camera.",
            ),
            GENUINE,
        ),
    ),
    Drill(
        "tailgating",
        "A second person follows an admitted one",
        FRONTEX,
        (
            Case(
                "tailgater",
                "The leaf closed between the two; the first was admitted, the second never presented a document.",
                right=(),
                never=frozenset({Verb.ADMIT, Verb.RELEASE, Verb.OPEN_EMERGENCY}),
            ),
            GENUINE,
        ),
    ),
    Drill(
        "minors",
        "Children come to the gate",
        FRONTEX,
        (
            Case(
                "unaccompanied_child",
                "By the site's rules the gate serves nobody under twelve, and called you. Nobody lets a child go on alone: flag it quietly, go there, "
                "and stay until whoever they belong to is found.",
                sees="a child of about eight, alone",
                right=(frozenset({Verb.FLAG}), frozenset({Verb.HAND_OVER})),
            ),
            Case(
                "two_faces",
                "Two faces, so the gate called. Take them over together: whoever is let through first leaves the other behind alone.",
                sees="a woman with a child of about six on her hand",
            ),
            GENUINE,
        ),
    ),
    Drill(
        "database-hit",
        "A list speaks of a document",
        FRONTEX,
        (
            Case(
                "reported_stolen",
                "The passport was genuine and the face its own: the list of stolen documents called you, and the traveller saw the words of every other referral. Take them "
                "over quietly, do what the list asks for, and say what became of it: its owner is told.",
                sees="a man with a passport, who waits calmly",
                right=(frozenset({Verb.HAND_OVER}),),
                never=frozenset({Verb.ADMIT}),
            ),
            GENUINE,
        ),
    ),
    Drill(
        "disabilities",
        "Somebody whom the camera cannot see at its height",
        FRONTEX,
        (
            Case(
                "no_face",
                "The document was good and the camera saw no face, as with somebody in a wheelchair or lying on a stretcher: they are served by you.",
            ),
            GENUINE,
        ),
    ),
    Drill(
        "trespassing",
        "Somebody is in the lane who was not called",
        FRONTEX,
        (
            Case(
                "zone_occupied",
                "Somebody stood at the leaf already. Whoever opens now opens for both: take the traveller over, and the other one aside.",
            ),
            GENUINE,
        ),
    ),
    Drill(
        "non-eu-citizens",
        "The lane serves nationals of the EU, the EEA and Switzerland, and others come",
        FRONTEX,
        (
            Case(
                "genuine",
                "Their state is not among those that this lane serves: show them the other lane. Only family members of EU nationals may be admitted here.",
            ),
            Case(
                "someone_elses_passport",
                "Not served, and nothing else is known, for the gate asked no further: show them the other lane, where they are checked.",
            ),
        ),
        serves="eu",
    ),
    Drill(
        "passport-wrongly-placed",
        "The page does not lie as it must",
        FRONTEX,
        (
            Case(
                "page_face_down",
                "The screen asked, they turned it, the gate admitted them.",
                right=(),
                never=GENUINE.never,
            ),
            Case("page_covered", "Fingers stayed on the lines. Take them over; it is no sign of anything."),
        ),
        reader="page",
    ),
    Drill(
        "non-cooperative",
        "People who do not do what the gate expects",
        FRONTEX,
        (
            Case(
                "swap_after_match",
                "Another person took the place of the one whom the gate had recognised. Neither was checked as they stand there now.",
            ),
            Case(
                "sent_a_companion",
                "The one whom the gate had recognised stayed, and another went through on their grant. Stop whoever went through.",
            ),
            Case("walked_back", "The admitted one came back and another wanted to go in their stead."),
            GENUINE,
        ),
    ),
    Drill(
        "chip-anomalies",
        "Chips that cannot be read, or are copies",
        FRONTEX,
        (
            Case(
                "chip_pulled_out",
                "The passport was taken off too early. Ask for it again at the booth; it is no sign of anything.",
            ),
            Case(
                "no_private_key",
                "The files are signed by the state and the chip could not prove itself: a copy. Take it to the booth, and keep it.",
            ),
            Case("clone_with_own_key", "A copy that brought a key of its own: the signed files do not know it."),
            GENUINE,
        ),
    ),
    Drill(
        "failed-biometrics",
        "Faces that are not the document's, or are no faces",
        FRONTEX,
        (
            Case("someone_elses_passport", "A genuine passport of somebody else. Compare at the booth."),
            Case("picture_on_a_screen", "A picture on a screen was held before the camera."),
            GENUINE,
        ),
    ),
    Drill(
        "wrong-security-features",
        "Documents whose signatures do not hold",
        FRONTEX,
        (
            Case("dg1_changed", "The chip's data are not those that the state signed."),
            Case(
                "signer_revoked",
                "The state has withdrawn the key that signed this document. The holder may know nothing of it.",
            ),
            Case(
                "weak_algorithm",
                "Signed so that others could have done it. The holder may know nothing of it: check it at the booth.",
            ),
            GENUINE,
        ),
    ),
    Drill(
        "same-document-twice",
        "A passport that comes again with another person",
        SECUNET,
        (
            Case("handed_over_at_the_door", "The passport changed hands at the open leaf and was presented again."),
            GENUINE,
        ),
    ),
    Drill(
        "more-than-one-traveller",
        "Two people where one is let in",
        SECUNET,
        (
            Case("piggyback", "Two stepped in as one between the doors. Keep families together, and take both over."),
            Case("two_faces", "Two faces before the camera."),
        ),
        lane="two-door",
    ),
    Drill(
        "manual-opening",
        "Somebody between the doors must come out by your hand",
        SECUNET,
        (
            Case(
                "stayed_inside",
                "They were referred between the doors and left the way back unused: open for them, and take them over.",
                right=(frozenset({Verb.RELEASE}), frozenset({Verb.HAND_OVER})),
            ),
        ),
        lane="two-door",
    ),
    Drill(
        "written-rules",
        "The site's written rules call the officer",
        SITE,
        (
            Case(
                "young_traveller",
                "The rules have you see whoever is under eighteen, and ask whom they travel with; afterwards customs. The document and the face were good: it is no suspicion.",
            ),
            Case(
                "old_photograph",
                "The rules hold a face of over eighty to a stricter likeness. Compare with your own eyes: if it is them, let them through, or take them over.",
                right=(frozenset({Verb.ADMIT, Verb.HAND_OVER}),),
                never=frozenset(),
            ),
            Case(
                "closed_by_a_rule",
                "The lane was turned to exit, where the rules close it, and they laid their passport all the same. Serve them at your desk.",
            ),
            GENUINE,
        ),
    ),
    Drill(
        "help-is-called",
        "Somebody between the doors asks for help",
        RIGHTS,
        (Case("called_for_help", "They pressed the call button. Go there first; no document matters now."),),
        lane="two-door",
    ),
    Drill(
        "help-is-asked-for",
        "Somebody asks for an officer on the page",
        RIGHTS,
        (
            Case(
                "asked_for_help",
                "They touched the sign for help. They need not say why, and no check counts before you were there.",
            ),
            GENUINE,
        ),
    ),
    Drill(
        "asylum",
        "Somebody asks for protection",
        RIGHTS,
        (
            Case(
                "protection_without_document",
                "They laid no document, and need none. Bring somebody who is trained for it, without a word in the lane; nothing is asked about them "
                "outside the gate.",
            ),
            Case(
                "asked_for_protection",
                "They laid their document first. It is the same: what they ask for comes before any check of it.",
            ),
            GENUINE,
        ),
    ),
    Drill(
        "fire",
        "The fire alarm opens the gate",
        RIGHTS,
        (
            Case(
                "fire",
                "Everybody may leave, checked or not, and nobody is held back; end the emergency only when it is over.",
                right=(frozenset({Verb.END_EMERGENCY}),),
            ),
            GENUINE,
        ),
    ),
)
DRILLS: Final = {one.name: one for one in _DRILLS}
