"""The recogniser network: input a strip, output the log-probability of each class at each of 176 frames.

The network evens contrast itself, by the mean and spread of the columns around each pixel, so a reader passes the grey
values as scanned. Ordinary convolutions halve the width twice and fold the height; four residual blocks then see a few
characters to each side. Every frame is judged by itself: there is no recurrence and no alignment to search for.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import nn

from gate_lab.train.mrz.samples import CLASSES

INPUT_NAME: Final = "lines"
OUTPUT_NAME: Final = "frames"
AROUND_PX: Final = 97  # odd: four to six characters
SPREAD_MIN: Final = 0.01


class EvenContrast(nn.Module):
    """(N, 1, H, W) grey to zero mean and unit spread within a sliding window of full height."""

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        """Subtract the local mean, divide by the local spread."""
        mean = self._around(lines.mean(dim=2, keepdim=True))
        centred = lines - mean
        variance = self._around((centred * centred).mean(dim=2, keepdim=True))
        return centred / torch.sqrt(variance + SPREAD_MIN**2)

    @staticmethod
    def _around(columns: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool2d(
            columns, (1, AROUND_PX), stride=1, padding=(0, AROUND_PX // 2), count_include_pad=False
        )


class Residual(nn.Module):
    """A depthwise convolution along the line, then a mix of the channels, added to the input."""

    def __init__(self, channels: int, reach: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, (1, reach), padding=(0, reach // 2), groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the same shape."""
        return nn.functional.relu(frames + self.layers(frames))


class Recogniser(nn.Module):
    """(N, 1, 32, 704) float32 grey in 0..1 to (N, 176, 38) log-probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            EvenContrast(),
            *_convolution(1, 32, 5, (2, 2)),
            *_convolution(32, 32, 3, (1, 1)),
            *_convolution(32, 64, 3, (2, 2)),
            *_convolution(64, 96, 3, (1, 1)),
            *_convolution(96, 112, 3, (2, 1)),
            nn.Conv2d(112, 160, (4, 1), bias=False),
            nn.BatchNorm2d(160),
            nn.ReLU(),
            *(Residual(160, 9) for _ in range(4)),
            nn.Dropout2d(0.05),
            nn.Conv2d(160, CLASSES, 1),
        )

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        """Return one row of log-probabilities a frame."""
        scores = self.layers(lines).squeeze(2).transpose(1, 2)
        return nn.functional.log_softmax(scores, dim=2)


def _convolution(inner: int, outer: int, side: int, stride: tuple[int, int]) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inner, outer, side, stride=stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(outer),
        nn.ReLU(),
    )
