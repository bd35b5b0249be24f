"""What a simulated person is made of: shape, skin, hair, eyes, clothes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.faces.skin import Skin
from hardware_sim.faces.strands import Beard, Brows, Style

if TYPE_CHECKING:
    from collections.abc import Mapping

Colour = tuple[float, float, float]  # sRGB, 0 to 1


@dataclass(frozen=True)
class Person:
    """One person: a name for the cache and the tests, a seed, and what he or she looks like."""

    name: str
    seed: int
    shape: Mapping[str, float]
    skin: Skin
    hair_colour: Colour
    eyes: Colour
    hair: Style | None = None
    brows: Brows = field(default_factory=Brows)
    beard: Beard | None = None
    brow_colour: Colour | None = None
    beard_colour: Colour | None = None
    clothes: Colour = (0.25, 0.28, 0.35)
    lashes: float = 0.4
    sheen: float = 0.5
    gaze: tuple[float, float] = (0.0, 0.0)


def shape(
    ancestry: Mapping[str, float], sex: str, *, age: float = 0.0, weight: float = 0.0, **features: float
) -> dict[str, float]:
    """Return target weights. `ancestry` and the two ages mix; `weight` is from -1 (lean) to 1 (heavy).

    A feature is `group__name`, `-` written as `_`; `sides__` stands for both the `l-` and the `r-` target.
    """
    build = {"averageweight": 1 - abs(weight), "maxweight": max(weight, 0.0), "minweight": max(-weight, 0.0)}
    weights: dict[str, float] = {}
    for stage, share in (("young", 1 - age), ("old", age)):
        for origin, part in ancestry.items():
            weights[f"macrodetails/{origin}-{sex}-{stage}"] = share * part
        for name, part in build.items():
            weights[f"macrodetails/universal-{sex}-{stage}-averagemuscle-{name}"] = share * part
    for feature, amount in features.items():
        group, _, name = feature.replace("_", "-").partition("--")
        if group in ("cheek", "eyes", "ears"):
            weights |= {f"{group}/{side}-{name}": amount for side in "lr"}
        else:
            weights[f"{group}/{name}"] = amount
    return {name: amount for name, amount in weights.items() if amount}
