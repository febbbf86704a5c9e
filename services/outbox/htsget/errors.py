"""What can be wrong with a request, in the words of htsget (section "Error Response JSON fields")."""

from http import HTTPStatus

from shared.http.problems import HttpError


class UnsupportedFormat(HttpError):
    """This file is not to be had in this format."""

    code = "UnsupportedFormat"


class InvalidInput(HttpError):
    """A parameter is malformed, or does not go with the others."""

    code = "InvalidInput"


class InvalidRange(HttpError):
    """The end of the region lies before its start."""

    code = "InvalidRange"


class NotFound(HttpError):
    """The file has no reference sequence of this name."""

    status = HTTPStatus.NOT_FOUND
    code = "NotFound"
