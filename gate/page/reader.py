"""One picture to a reading, or to the reasons why there is none.

The stages in a row; each is a module beside this one. Nothing is kept from one picture to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.page.errors import RecogniserError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gate.page.values import NoReading, Reading, Recogniser


def read(
    picture: npt.NDArray[np.uint8],
    recogniser: Recogniser,
    *,
    any_rotation: bool = True,
) -> Reading | NoReading:
    """Read the zone of a picture, grey (h, w) or BGR (h, w, 3) uint8.

    With `any_rotation` a page may lie any way round; without it, as in a live frame, within 20 degrees of upright or
    upside down, which costs less where nothing is to be seen. Raises BadPictureError and RecogniserError.
    """
    del picture, recogniser, any_rotation  # the signature comes first
    raise RecogniserError("the model of the lines is not part of this version")
