"""Everything the face room may raise. A caller branches on the type, never on the text.

FaceError
├── BadImageError       bytes that are no picture we accept: wrong kind, too large, broken
├── NoFaceError         a picture without a face
└── SeveralFacesError   a picture with several faces where one person must be alone
"""


class FaceError(Exception):
    """Any failure to get from a picture to a face."""


class BadImageError(FaceError):
    """Bytes that are no picture we accept."""


class NoFaceError(FaceError):
    """A picture without a face."""


class SeveralFacesError(FaceError):
    """A picture with several faces where one person must be alone."""
