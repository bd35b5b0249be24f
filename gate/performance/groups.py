"""Error rates by group, at one threshold for all (in the sense of ISO/IEC 19795-10).

A group is one value of one attribute that the set is labelled with, such as sex, age band or issuer. Its FMR is over impostor
pairs within the group: people who are alike are mistaken for one another more often, and that is who borrows whose passport.
`ALIKE` are the pairs that share every labelled attribute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gate.performance.intervals import Interval, impostor_pairs, weighted_fnmr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from gate.performance.error_rates import Comparisons

ALIKE: Final = "alike"
GROUPS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class GroupRates:
    """One group at the threshold. A rate is None without a pair to show it."""

    attribute: str
    value: str
    identities: int
    genuine: int
    impostor: int
    fnmr: float | None
    fnmr_interval: Interval | None
    fmr: float | None
    fmr_interval: Interval | None


def by_group(
    compared: Comparisons,
    labels: Sequence[Mapping[str, str]],
    threshold: float,
    weights: npt.NDArray[np.float64],
) -> tuple[GroupRates, ...]:
    """The rates of every group. `labels` are those of each identity, in the order of `Comparisons`; unlabelled ones are left out.

    Raises ValueError for more than `GROUPS_MAX` groups, or a threshold below the scores whose identities are known.
    """
    if threshold < float(compared.tail[-1]):
        raise ValueError("the threshold is too low to tell which identities are mistaken for one another")
    groups = tuple(_groups(labels))
    if len(groups) > GROUPS_MAX:
        raise ValueError(f"{len(groups)} groups, more than {GROUPS_MAX}")
    return tuple(_rates(group, compared, threshold, weights) for group in groups)


def worst_over_mean(rates: Sequence[float | None]) -> float | None:
    """The highest rate over the geometric mean of all: 1 when groups fare alike. None unless two groups have errors."""
    known = np.array([rate for rate in rates if rate])
    return float(known.max() / np.exp(np.log(known).mean())) if known.size > 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """A value of an attribute, and which identities have it."""

    attribute: str
    value: str
    members: npt.NDArray[np.float64]  # 1 or 0


def _groups(labels: Sequence[Mapping[str, str]]) -> Iterator[_Group]:
    attributes = sorted({attribute for label in labels for attribute in label})
    for attribute in attributes:
        for value in sorted({label[attribute] for label in labels if attribute in label}):
            yield _Group(attribute, value, np.array([float(label.get(attribute) == value) for label in labels]))
    if len(attributes) > 1:
        whole = [tuple(label.get(attribute) for attribute in attributes) for label in labels]
        for one in sorted({value for value in whole if None not in value}, key=str):
            name = ", ".join(str(part) for part in one)
            yield _Group(ALIKE, name, np.array([float(value == one) for value in whole]))


def _rates(group: _Group, compared: Comparisons, threshold: float, weights: npt.NDArray[np.float64]) -> GroupRates:
    members = group.members
    within = compared.tail_of[(members[compared.tail_of] > 0).all(axis=1) & (compared.tail >= threshold)]
    below = np.nextafter(np.float32(threshold), np.float32(-2))
    drawn = weights * members
    return GroupRates(
        attribute=group.attribute,
        value=group.value,
        identities=int(members.sum()),
        genuine=int(members[compared.genuine_of].sum()),
        impostor=int(impostor_pairs(members * compared.pictures)),
        fnmr=_or_none(weighted_fnmr(compared, members, below)),
        fnmr_interval=Interval.of(np.array([weighted_fnmr(compared, weight, below) for weight in drawn])),
        fmr=_or_none(_weighted_fmr(compared, within, members)),
        fmr_interval=Interval.of(np.array([_weighted_fmr(compared, within, weight) for weight in drawn])),
    )


def _weighted_fmr(compared: Comparisons, matches: npt.NDArray[np.intp], weight: npt.NDArray[np.float64]) -> float:
    pairs = impostor_pairs(weight * compared.pictures)
    return float((weight[matches[:, 0]] * weight[matches[:, 1]]).sum() / pairs) if pairs else float("nan")


def _or_none(rate: float) -> float | None:
    return None if np.isnan(rate) else rate
