"""The people of the simulated world: identities with a passport portrait and live frames.

Errors:
    RuntimeError
    ├── FaceDataMissingError    the packages that hold the faces' data are not installed, or others than known
    └── FacesNotRenderedError   a renderer failed
    ValueError
    └── BadAlbumError           a damaged file in the cache; `identities` renders it again
"""

from hardware_sim.faces.album import BadAlbumError
from hardware_sim.faces.identity import FacesNotRenderedError, Identity, identities
from hardware_sim.faces.mesh import FaceDataMissingError

__all__ = ["BadAlbumError", "FaceDataMissingError", "FacesNotRenderedError", "Identity", "identities"]
