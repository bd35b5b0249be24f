"""What the face room may raise beside `gate.picture`'s BadPictureError. A caller branches on the type, never on the text.

FaceError
├── NoFaceError         a picture without a face
└── SeveralFacesError   a picture with several faces where one person must be alone
"""


class FaceError(Exception):
    """Any failure to get from a picture to a face."""


class NoFaceError(FaceError):
    """A picture without a face."""


class SeveralFacesError(FaceError):
    """A picture with several faces where one person must be alone."""
