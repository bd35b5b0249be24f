"""Trains the recogniser: cross-entropy at every frame, since every character's place is known.

A seed and a number of steps determine the training: example `i` is the same in every run, the difficulty rises along
the first half, the learning rate falls along a cosine, and the result is a running average of the weights. Arithmetic
is bfloat16 where PyTorch allows it. Two runs on one machine with the same number of threads agree to rounding.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from gate_lab.train.mrz.net import Recogniser
from gate_lab.train.mrz.samples import BLANK, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gate_lab.train.mrz.glyphs import Atlas

EXAMPLES_A_STEP: Final = 32
RATE_MOST: Final = 4e-3
WEIGHT_DECAY: Final = 0.02
WARM_UP_STEPS: Final = 200
AVERAGE_STEPS: Final = 300
LEVEL_FIRST: Final = 0.35
REPORT_STEPS: Final = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """Results of the last steps. Accuracies are shares of frames: of all, and of those that belong to a character."""

    step: int
    level: float
    loss: float
    frames_right: float
    characters_right: float
    elapsed_s: float


class Lines(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """The endless sequence of examples, cut off at the end of the training."""

    def __init__(self, seed: int, steps: int, fonts: Sequence[Atlas]) -> None:
        self._seed, self._steps, self._fonts = seed, steps, fonts

    def __len__(self) -> int:
        """Return how many examples the training takes."""
        return self._steps * EXAMPLES_A_STEP

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Make example `number` at the difficulty of its step."""
        made = sample(self._seed, number, level_at(number // EXAMPLES_A_STEP, self._steps), self._fonts)
        return torch.from_numpy(made.strip[None]), torch.from_numpy(made.frames)


def level_at(step: int, steps: int) -> float:
    """Return the difficulty of a step: from LEVEL_FIRST to 1 along the first half of the training."""
    return min(1.0, LEVEL_FIRST + (1.0 - LEVEL_FIRST) * 2 * step / steps)


def rate_at(step: int, steps: int) -> float:
    """Return the learning rate of a step: a linear rise, then half a cosine down to almost zero."""
    if step < WARM_UP_STEPS:
        return RATE_MOST * (step + 1) / WARM_UP_STEPS
    done = (step - WARM_UP_STEPS) / max(1, steps - WARM_UP_STEPS)
    return RATE_MOST * (0.005 + 0.995 * 0.5 * (1 + math.cos(math.pi * done)))


def train(
    *, seed: int, steps: int, fonts: Sequence[Atlas], makers: int, report: Callable[[Progress], None]
) -> Recogniser:
    """Run the whole training from nothing; `makers` processes make the examples. Returns the averaged network."""
    torch.manual_seed(seed)
    net: Recogniser = Recogniser().to(memory_format=torch.channels_last)
    average: Recogniser = copy.deepcopy(net)
    optimizer = torch.optim.AdamW(_groups(net), lr=RATE_MOST)
    loader = DataLoader(
        Lines(seed, steps, fonts),
        EXAMPLES_A_STEP,
        num_workers=makers,
        worker_init_fn=_use_one_thread,
        prefetch_factor=8,
        multiprocessing_context="spawn",  # a forked OpenCV waits for threads that were not forked with it
    )
    started, seen = time.monotonic(), np.zeros(4)
    for step, (lines, frames) in enumerate(loader):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps)
        seen += _step(net, optimizer, lines, frames)
        _follow(average, net, step)
        if (step + 1) % REPORT_STEPS == 0 or step + 1 == steps:
            count = step % REPORT_STEPS + 1
            loss, right, named_right, named = seen
            report(
                Progress(
                    step=step + 1,
                    level=level_at(step, steps),
                    loss=loss / count,
                    frames_right=right / (count * frames.numel()),
                    characters_right=named_right / named,
                    elapsed_s=time.monotonic() - started,
                )
            )
            seen = np.zeros(4)
    average.eval()
    return average


def _groups(net: Recogniser) -> list[dict[str, object]]:
    """Return parameter groups with weight decay for kernels only, not for biases and normalisations."""
    kernels = [weights for weights in net.parameters() if weights.ndim > 1]
    others = [weights for weights in net.parameters() if weights.ndim <= 1]
    return [{"params": kernels, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]


def _step(
    net: Recogniser, optimizer: torch.optim.Optimizer, lines: torch.Tensor, frames: torch.Tensor
) -> tuple[float, float, float, float]:
    """Do one step; return its loss, and the numbers of right frames, right character frames and character frames."""
    strips = (lines.float() / 255).to(memory_format=torch.channels_last)
    wanted = frames.long().flatten()
    with torch.autocast("cpu", torch.bfloat16):
        found = net(strips)
    found = found.float().flatten(0, 1)
    loss = torch.nn.functional.nll_loss(found, wanted)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimizer.step()
    right = found.argmax(dim=1) == wanted
    named = wanted != BLANK
    return loss.item(), int(right.sum()), int((right & named).sum()), int(named.sum())


def _follow(average: Recogniser, net: Recogniser, step: int) -> None:
    """Move the average a little towards the network; include normalisation statistics."""
    share = max(1 / (step + 1), 1 / AVERAGE_STEPS)
    with torch.no_grad():
        for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, share)
            else:
                kept.copy_(new)


def _use_one_thread(_worker: int) -> None:
    cv2.setNumThreads(1)
