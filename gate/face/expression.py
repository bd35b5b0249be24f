"""How far a mouth is open, from 68 landmarks.

A ratio of distances, so that neither size nor tilt of the face matters. The same was tried for eyes: between people the ratio of
an open eye reaches from 0.25 to 0.45 and that of a shut one from 0.18 to 0.36, so a model of its own looks at them
(`gate.face.attitude`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gate.face.values import Points

# The inner edge of the lips, iBUG numbers: left and right corner, three pairs above and below.
_LEFT, _RIGHT, _PAIRS = 60, 64, ((61, 67), (62, 66), (63, 65))


def mouth_opening(dense: Points) -> float:
    """The mean gap between the lips over the width of the mouth: under 0.1 when shut, about 0.2 with a broad smile, 0.5 wide open.

    Points that fall together have no width: the mouth then counts as shut.
    """
    gap = float(np.mean([np.linalg.norm(dense[upper] - dense[lower]) for upper, lower in _PAIRS]))
    width = float(np.linalg.norm(dense[_RIGHT] - dense[_LEFT]))
    return gap / width if width > 0.0 else 0.0
