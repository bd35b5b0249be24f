"""Fits the weights of the liveness cues and says what they are worth on artefacts that they never saw.

    python -m gate_lab.train.liveness DIR --out gate/face/liveness/weights.toml

DIR is a folder of sequences as `gate face evaluate-pad` takes it. Every cue is turned so that people lie high, moved to the middle
between people and artefacts, and scaled; a logistic regression with weights of 0 or more follows, in which people and artefacts, and the
classes of artefacts among them, count alike. The bias is set where one in twenty of the people would be flagged. There is one set for
sequences under the display's challenge and one for those without. The report leaves out one class of artefacts and a part of the
people at a time, and puts every cue alone beside the fusion: if one does better, it is what should be shipped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from gate.face.chain import open_models
from gate.face.liveness.liveness_aggregate import REACH, Cue
from gate_core.settings.environment import cache_folder
from gate_lab.pad import Presentation
from gate_lab.pad_evaluation import presented

BPCER = 0.05
FOLDS = 2
CHALLENGE = (Cue.LIGHT, Cue.SHADING)
# Without model and challenge only movement detects a print: a person who moves like a sheet, or hardly, gets no high score. Set by hand between
# the prints and the people of the demo; of people who stand still most are referred by it.
CAP = "cap = { middle = -1.05, scale = 0.15, weight = 1.0 }"
_RIDGE = 0.02
_STEPS = 4000
_RATE = 0.2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """One set of weights. Cue `i` adds (value - middle[i]) / scale[i] * sign[i], bounded, times weight[i]; 0 where it was not run."""

    cues: tuple[Cue, ...]
    middle: Floats
    scale: Floats
    sign: Floats
    weight: Floats
    bias: float

    def evidence(self, values: Floats) -> Floats:
        """Return oriented and bounded readings, (n, cues)."""
        moved = (values - self.middle) / self.scale * self.sign
        return np.nan_to_num(np.clip(moved, -REACH, REACH), nan=0.0)

    def logits(self, values: Floats) -> Floats:
        """Return the logarithm of the odds, (n,)."""
        logits: Floats = self.evidence(values) @ self.weight + self.bias
        return logits


def fitted(values: Floats, species: Sequence[str | None], cues: tuple[Cue, ...]) -> Fit:
    """Fit on (n, cues) readings, NaN where one was not run."""
    people = np.array([name is None for name in species])
    names = sorted({name for name in species if name is not None})
    medians = [np.nanmedian(values[[one == name for one in species]], axis=0) for name in names]
    high, low = np.nanmedian(values[people], axis=0), np.nanmean(medians, axis=0)
    sign = np.where(high >= low, 1.0, -1.0)
    scale = np.maximum(np.nanpercentile(np.abs(values[people] - high), 75, axis=0), np.abs(high - low) / 4)
    fit = Fit(cues, (high + low) / 2, np.maximum(scale, 1e-3), sign, np.ones(len(cues)), 0.0)
    share = np.where(people, 0.5 / people.sum(), 0.0)
    for name in names:
        of_name = np.array([one == name for one in species])
        share[of_name] = 0.5 / len(names) / of_name.sum()
    weight = _logistic(fit.evidence(values), people.astype(np.float64), share)
    unbiased = Fit(fit.cues, fit.middle, fit.scale, fit.sign, weight, 0.0)
    flagged = float(np.quantile(unbiased.logits(values[people]), BPCER))
    return Fit(fit.cues, fit.middle, fit.scale, fit.sign, weight, -flagged)


def _logistic(evidence: Floats, people: Floats, share: Floats) -> Floats:
    """Return weights of 0 or more by projected gradient descent on the weighted, ridged loss."""
    weight, bias = np.ones(evidence.shape[1]), 0.0
    for _ in range(_STEPS):
        wrong = (1 / (1 + np.exp(-(evidence @ weight + bias))) - people) * share
        weight = np.maximum(0.0, weight - _RATE * (evidence.T @ wrong + _RIDGE * weight))
        bias -= _RATE * float(wrong.sum())
    return weight


def readings(presentations: Iterable[Presentation], cues: tuple[Cue, ...]) -> Floats:
    """Return the cues' readings, (n, cues); NaN where a cue was not run."""
    rows = [[one.cues.get(cue.value) for cue in cues] for one in presentations]
    return np.array([[np.nan if value is None else value for value in row] for row in rows])


def left_out(presentations: Sequence[Presentation], cues: tuple[Cue, ...]) -> dict[str, dict[str, float]]:
    """Return APCER and BPCER for each class of artefacts when neither it nor the people judged with it were fitted on."""
    values, species = readings(presentations, cues), [one.species for one in presentations]
    people = sorted({one.source for one in presentations if one.species is None})
    out: dict[str, dict[str, float]] = {}
    for name in sorted({one for one in species if one is not None}):
        errors: list[tuple[int, int, int, int]] = []
        for fold in range(FOLDS):
            held = set(people[fold::FOLDS])
            train = [_is_train(one, name, held) for one in presentations]
            test_people = [one.species is None and one.source in held for one in presentations]
            fit = fitted(values[train], [one for one, kept in zip(species, train, strict=True) if kept], cues)
            passed = fit.logits(values[[one == name for one in species]]) >= 0
            flagged = fit.logits(values[test_people]) < 0
            errors.append((int(passed.sum()), len(passed), int(flagged.sum()), len(flagged)))
        passed_all, attacks, flagged_all, shown = np.sum(errors, axis=0)
        out[name] = {"apcer": float(passed_all / attacks), "bpcer": float(flagged_all / shown)}
    return out


def _is_train(one: Presentation, left: str, held: set[str]) -> bool:
    return one.species != left if one.species is not None else one.source not in held


def report(presentations: Sequence[Presentation], cues: tuple[Cue, ...]) -> dict[str, object]:
    """Compare the fusion with each cue alone, on classes and people left out."""
    alone = {cue.value: left_out(presentations, (cue,)) for cue in cues}
    return {"fusion": left_out(presentations, cues), "alone": alone}


def table(fit: Fit, name: str, needs: Cue) -> str:
    """Return one table of the file that `gate.face.liveness.liveness_aggregate` reads."""
    cap = [CAP] if needs is Cue.MOTION else []
    lines = [f"[{name}]", f"bias = {fit.bias:.4f}", f'needs = "{needs.value}"', *cap, f"[{name}.cues]"]
    for index, cue in enumerate(fit.cues):
        weight = fit.weight[index] * fit.sign[index]
        if weight:
            middle, scale = fit.middle[index], fit.scale[index]
            lines.append(f"{cue.value} = {{ middle = {middle:.4f}, scale = {scale:.4f}, weight = {weight:.4f} }}")
    return "\n".join(lines) + "\n"


def unchallenged(presentations: Iterable[Presentation]) -> list[Presentation]:
    """Return the same sequences as if the display had shown nothing, when they have enough movement."""
    without = [replace(one, cues={**one.cues, **{cue.value: None for cue in CHALLENGE}}) for one in presentations]
    return [one for one in without if one.cues.get(Cue.MOTION.value) is not None]


def challenged(presentations: Iterable[Presentation]) -> list[Presentation]:
    """Return the sequences that the display challenged."""
    return [one for one in presentations if one.cues.get(Cue.LIGHT.value) is not None]


def file(presentations: Sequence[Presentation], folder: str) -> str:
    """Return the whole file."""
    people = sum(one.species is None for one in presentations)
    head = (
        "# How the cues of gate/face/liveness count in a profile without a passive model. Written by lab/src/gate_lab/train/liveness.py\n"
        f"# from {len(presentations)} sequences of {folder}, {people} of them of people. Card: models/cards/liveness_weights.md.\n"
        "schema = 1\n\n"
    )
    parts = (
        ("challenged", Cue.LIGHT, challenged(presentations)),
        ("unchallenged", Cue.MOTION, unchallenged(presentations)),
    )
    tables = []
    for name, needs, chosen in parts:
        cues = _run_in(chosen)
        tables.append(table(fitted(readings(chosen, cues), [one.species for one in chosen], cues), name, needs))
    return head + "\n".join(tables)


def _run_in(presentations: Sequence[Presentation]) -> tuple[Cue, ...]:
    return tuple(cue for cue in Cue if any(one.cues.get(cue.value) is not None for one in presentations))


def main() -> None:
    """Fit, report, write. Weights are fitted on the profile without a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--profile", default="clean")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    chain = open_models(arguments.models or cache_folder() / "models", profile=arguments.profile)
    presentations = list(presented(arguments.folder, chain, partial(track, console=Console(stderr=True))))
    for name, chosen in (("challenged", challenged(presentations)), ("unchallenged", unchallenged(presentations))):
        print(json.dumps({name: report(chosen, _run_in(chosen))}, indent=1))
    if arguments.out is not None:
        arguments.out.write_text(file(presentations, arguments.folder.name), encoding="utf-8")


if __name__ == "__main__":
    main()
