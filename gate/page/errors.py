"""Everything the page room may raise. A caller branches on the type, never on the text.

PageError
├── BadPictureError     bytes or pixels that are no picture we accept: wrong kind, too large, broken
└── RecogniserError     the model of the lines is missing, is not the pinned one, or broke its contract

That a picture shows no readable zone is no error: `gate.page.read` says so with a `NoReading`.
"""


class PageError(Exception):
    """Any failure to look at a picture of a page."""


class BadPictureError(PageError):
    """Bytes or pixels that are no picture we accept."""


class RecogniserError(PageError):
    """The model of the lines cannot be used."""
