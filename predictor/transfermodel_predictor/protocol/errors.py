"""What is wrong with a request; each message is a whole sentence, and each has an HTTP status."""

from http import HTTPStatus


class RequestInvalid(ValueError):
    """The client must change the request."""

    status = HTTPStatus.BAD_REQUEST


class RequestTooLarge(RequestInvalid):
    """The body, a sample or the batch is above a limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class MediaTypeUnsupported(RequestInvalid):
    """The body is packed in a way that is not understood."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class UnknownModel(RequestInvalid):
    """There is no such model or version here."""

    status = HTTPStatus.NOT_FOUND
