"""What the page room may raise beside `gate.picture`'s BadPictureError.

That a picture shows no readable MRZ is no error: `gate.page.picture.reader.read` says so with a `NoReading`.
"""


class RecogniserError(Exception):
    """The model of the lines is missing, is not the pinned one, or broke its contract."""
