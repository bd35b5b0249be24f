"""Converts the lane's view to the traveller's page. Pure and total.

A page has nothing of the crossing: every referral looks the same except NOT_SERVED (safety invariant 13).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

import msgspec

from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.evidence.service_scope import EU, EVERYBODY, BorderDirection


class Tone(enum.Enum):
    """The colour of the whole page. Pictogram and words always show the same."""

    CALM = "calm"
    GO = "go"
    HELP = "help"
    ALARM = "alarm"
    CLOSED = "closed"


class Pictogram(enum.Enum):
    """The drawings of the page, one file each in templates/pictograms/."""

    PASSPORT = "passport"
    PAGE_OPEN = "page-open"
    PAGE_TURN = "page-turn"
    PAGE_FLAT = "page-flat"
    PAGE_CLEAR = "page-clear"
    PAGE_STILL = "page-still"
    PAGE_GLARE = "page-glare"
    CAMERA = "camera"
    CLOSER = "closer"
    BACK = "back"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    EYES = "eyes"
    MOUTH = "mouth"
    FORWARD = "forward"
    STILL = "still"
    ONE_PERSON = "one-person"
    LIGHT = "light"
    WAIT = "wait"
    WALK = "walk"
    OFFICER = "officer"
    LEAVE = "leave"
    CLOSED = "closed"


GUIDES: Final = {
    Guidance.NONE: ("look-title", Pictogram.CAMERA),
    Guidance.LOOK_AT_CAMERA: ("look-title", Pictogram.CAMERA),
    Guidance.COME_CLOSER: ("guide-come-closer", Pictogram.CLOSER),
    Guidance.STEP_BACK: ("guide-step-back", Pictogram.BACK),
    Guidance.MOVE_LEFT: ("guide-move-left", Pictogram.LEFT),
    Guidance.MOVE_RIGHT: ("guide-move-right", Pictogram.RIGHT),
    Guidance.MOVE_UP: ("guide-move-up", Pictogram.UP),
    Guidance.MOVE_DOWN: ("guide-move-down", Pictogram.DOWN),
    Guidance.FACE_FORWARD: ("guide-face-forward", Pictogram.FORWARD),
    Guidance.HOLD_STILL: ("guide-hold-still", Pictogram.STILL),
    Guidance.OPEN_EYES: ("guide-open-eyes", Pictogram.EYES),
    Guidance.CLOSE_MOUTH: ("guide-close-mouth", Pictogram.MOUTH),
    Guidance.ONE_PERSON: ("guide-one-person", Pictogram.ONE_PERSON),
    Guidance.MORE_LIGHT: ("guide-more-light", Pictogram.LIGHT),
}

# How to lay the document. Other guidance is for the face, and shows the plain invitation.
PAGE_GUIDES = {
    Guidance.PAGE_OPEN: ("guide-page-open", Pictogram.PAGE_OPEN),
    Guidance.PAGE_TURN: ("guide-page-turn", Pictogram.PAGE_TURN),
    Guidance.PAGE_FLAT: ("guide-page-flat", Pictogram.PAGE_FLAT),
    Guidance.PAGE_CLEAR: ("guide-page-clear", Pictogram.PAGE_CLEAR),
    Guidance.PAGE_STILL: ("guide-page-still", Pictogram.PAGE_STILL),
    Guidance.PAGE_GLARE: ("guide-page-glare", Pictogram.PAGE_GLARE),
}

# A traveller whom the camera may never see as they stand: a child, a person in a wheelchair. The page offers an officer if these stay.
OUT_OF_REACH: Final = frozenset({Guidance.MOVE_UP, Guidance.LOOK_AT_CAMERA})


@dataclass(frozen=True, slots=True)
class ViewState:
    """The part of the lane's view that a traveller may see. `progress`: of the look, in tenths."""

    screen: Screen
    guidance: Guidance
    purpose: Purpose
    direction: BorderDirection | None = None
    travellers: str = EVERYBODY.name
    language: str | None = None  # the traveller's, by the state that issued their document
    progress: int = 0


# Each screen's pictogram, colour and step.
_SCREENS: Final = {
    Screen.CLOSED: (Pictogram.CLOSED, Tone.CLOSED, None),
    Screen.WELCOME: (Pictogram.PASSPORT, Tone.CALM, 1),
    Screen.LOOK: (Pictogram.CAMERA, Tone.CALM, 2),
    Screen.WAIT: (Pictogram.WAIT, Tone.CALM, 2),
    Screen.GO: (Pictogram.WALK, Tone.GO, 3),
    Screen.OFFICER: (Pictogram.OFFICER, Tone.HELP, None),
    Screen.OTHER_LANE: (Pictogram.OFFICER, Tone.HELP, None),
    Screen.EMERGENCY: (Pictogram.LEAVE, Tone.ALARM, None),
}

# A traveller is being served: the page may use their language. Otherwise it uses all.
_OF_A_TRAVELLER = frozenset({Screen.LOOK, Screen.WAIT, Screen.GO, Screen.OFFICER, Screen.OTHER_LANE})


@dataclass(frozen=True, slots=True)
class PageState:
    """One page: text IDs, a pictogram, a tone.

    `step`: the traveller's progress (1 passport, 2 face, 3 walk), None without a way onward. `progress`: filling of the
    oval, in tenths; `offer`: an officer is offered if this page stays for long. `mark`: text ID of the purpose that
    every screen carries outside service (safety invariant 14); `signs`: whom the lane serves. `language`: used unless
    the traveller chooses another, None: all of them.
    """

    screen: Screen
    title: str
    hint: str
    pictogram: Pictogram
    tone: Tone
    step: int | None
    preview: bool
    progress: int
    offer: bool
    notice: bool
    mark: str | None
    signs: tuple[str, ...]
    language: str | None

    def as_json(self) -> dict[str, object]:
        """Return the page in the browser's form."""
        return {**msgspec.to_builtins(self), "signs": list(self.signs)}


def render(view: ViewState) -> PageState:
    """Return the page for a view.

    Guidance is shown only before the decision: how to lay the document on the `welcome` screen, how to stand on the
    `look` screen. Elsewhere it could distinguish one referral from another.
    """
    pictogram, tone, step = _SCREENS[view.screen]
    name = view.screen.value.replace("_", "-")
    guides = {Screen.WELCOME: PAGE_GUIDES, Screen.LOOK: GUIDES}.get(view.screen, {})
    title, pictogram = guides.get(view.guidance, (f"{name}-title", pictogram))
    return PageState(
        screen=view.screen,
        title=title,
        hint=f"{name}-hint",
        pictogram=pictogram,
        tone=tone,
        step=step,
        preview=view.screen is Screen.LOOK,
        progress=view.progress if view.screen is Screen.LOOK else 0,
        offer=view.screen is Screen.LOOK and view.guidance in OUT_OF_REACH,
        # The purpose and retention of data are shown before the camera opens (EES Art. 50; GDPR Art. 13).
        notice=view.screen is Screen.WELCOME,
        mark=None if view.purpose == Purpose.SERVICE else f"mark-{view.purpose}",
        signs=_signs(view),
        language=view.language if view.screen in _OF_A_TRAVELLER else None,
    )


def lane_unknown(purpose: Purpose) -> PageState:
    """Return the page while the lane's state is unknown: the officer's, and never an old one."""
    return render(ViewState(Screen.OFFICER, Guidance.NONE, purpose))


def _signs(view: ViewState) -> tuple[str, ...]:
    """Return whom the lane serves, as far as the page has texts for it. A site's own group has its own signs in the hall."""
    direction = () if view.direction is None else (view.direction.value,)
    return (*direction, EU.name) if view.travellers == EU.name else direction
