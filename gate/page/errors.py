"""What the page room may raise beside `gate.picture`'s BadPictureError.

That a picture shows no readable zone is no error: `gate.page.reader` says so with a `NoReading`.
"""


class RecogniserError(Exception):
    """The model of the lines is missing, is not the pinned one, or broke its contract."""
