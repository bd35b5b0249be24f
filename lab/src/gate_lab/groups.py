"""Error rates by group, at one threshold for all (in the sense of ISO/IEC 19795-10).

A group is one value of one attribute of the set's labels, such as sex, age band or issuer. Its FMR is over impostor
pairs within the group: similar people are confused more often, and impostors choose documents of people similar to
them. `ALIKE` are the pairs that share every labelled attribute; `look_alikes` takes all of these together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gate_lab.error_rates import Comparisons
from gate_lab.intervals import Interval, impostor_pairs, weighted_fnmr

ALIKE: Final = "alike"
GROUPS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class GroupRates:
    """One group's rates at the threshold. A rate is None without a pair to measure it."""

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
    """Return the rates of every group. `labels` has each identity's labels, in the order of `Comparisons`; unlabelled ones are left out.

    Raises ValueError for more than `GROUPS_MAX` groups, or a threshold below the scores whose identities are known.
    """
    _require_known(compared, threshold)
    groups = tuple(_groups(labels))
    if len(groups) > GROUPS_MAX:
        raise ValueError(f"{len(groups)} groups, more than {GROUPS_MAX}")
    return tuple(_rates(group, compared, threshold, weights) for group in groups)


def look_alikes(
    compared: Comparisons,
    labels: Sequence[Mapping[str, str]],
    threshold: float,
    weights: npt.NDArray[np.float64],
) -> GroupRates | None:
    """Return the rates over all pairs of two people who share every labelled attribute; None when no person has all of them.

    Takes the same arguments as `by_group` and raises the same errors.
    """
    _require_known(compared, threshold)
    attributes = sorted({attribute for label in labels for attribute in label})
    whole = [tuple(label.get(attribute) for attribute in attributes) for label in labels]
    kinds = {
        one: number for number, one in enumerate(sorted({one for one in whole if one and None not in one}, key=str))
    }
    if not kinds:
        return None
    kind = np.array([kinds.get(one, -1) for one in whole])
    same = (kind[compared.tail_of[:, 0]] == kind[compared.tail_of[:, 1]]) & (kind[compared.tail_of[:, 0]] >= 0)
    matches = compared.tail_of[same & (compared.tail >= threshold)]
    members = (kind >= 0).astype(np.float64)

    def pairs_of(weighted: npt.NDArray[np.float64]) -> float:
        return sum(impostor_pairs(weighted * (kind == number)) for number in range(len(kinds)))

    return _counted(_Group(ALIKE, "in every label", members), compared, threshold, weights, _Among(matches, pairs_of))


def worst_over_mean(rates: Sequence[float | None]) -> float | None:
    """Return the highest rate over the geometric mean of all: 1 when all groups are equal. None unless two groups have errors."""
    known = np.array([rate for rate in rates if rate])
    return float(known.max() / np.exp(np.log(known).mean())) if known.size > 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """A value of an attribute, and the identities that have it."""

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


@dataclass(frozen=True, slots=True, eq=False)
class _Among:
    """The pairs of two people of a group: those that matched, (n, 2), and their number by the weights of each identity's pictures."""

    matches: npt.NDArray[np.intp]
    pairs_of: Callable[[npt.NDArray[np.float64]], float]


def _require_known(compared: Comparisons, threshold: float) -> None:
    if threshold < float(compared.tail[-1]):
        raise ValueError("the threshold is too low to tell which identities are mistaken for one another")


def _rates(group: _Group, compared: Comparisons, threshold: float, weights: npt.NDArray[np.float64]) -> GroupRates:
    within = (group.members[compared.tail_of] > 0).all(axis=1) & (compared.tail >= threshold)
    return _counted(group, compared, threshold, weights, _Among(compared.tail_of[within], impostor_pairs))


def _counted(
    group: _Group, compared: Comparisons, threshold: float, weights: npt.NDArray[np.float64], among: _Among
) -> GroupRates:
    members, matches, pairs_of = group.members, among.matches, among.pairs_of
    below = np.nextafter(np.float32(threshold), np.float32(-2))
    drawn = weights * members

    def fmr_of(weight: npt.NDArray[np.float64]) -> float:
        pairs = pairs_of(weight * compared.pictures)
        return float((weight[matches[:, 0]] * weight[matches[:, 1]]).sum() / pairs) if pairs else float("nan")

    fnmr, fmr = _or_none(weighted_fnmr(compared, members, below)), _or_none(fmr_of(members))
    paired = np.unique(compared.genuine_of[members[compared.genuine_of] > 0]).size
    return GroupRates(
        attribute=group.attribute,
        value=group.value,
        identities=int(members.sum()),
        genuine=int(members[compared.genuine_of].sum()),
        impostor=int(pairs_of(members * compared.pictures)),
        fnmr=fnmr,
        fnmr_interval=None
        if fnmr is None
        else Interval.of(fnmr, (weighted_fnmr(compared, weight, below) for weight in drawn), paired),
        fmr=fmr,
        fmr_interval=None
        if fmr is None
        else Interval.of(fmr, (fmr_of(weight) for weight in drawn), int(pairs_of(members))),
    )


def _or_none(rate: float) -> float | None:
    return None if np.isnan(rate) else rate
