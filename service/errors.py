"""Errors a caller can act on, each with its status and a hint, answered as RFC 9457 problem details.

A service function raises; nobody catches; :mod:`service.net.problems` answers. An id that does not exist and an id of
somebody else's raise the same error with the same words, so that nobody learns what exists elsewhere.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Base of what the service refuses on purpose; ``hint`` says to a person what to do about it."""

    status: int = 400
    hint: str = "Check the request and try again."

    def __init__(self, message: str | None = None, *, hint: str | None = None, **extra: object) -> None:
        super().__init__(message or (type(self).__doc__ or type(self).__name__).strip().splitlines()[0])
        self.extra = extra
        if hint is not None:
            self.hint = hint

    @property
    def code(self) -> str:
        """A stable name for machines: ``AssetNotFound`` becomes ``asset-not-found``."""
        return kebab(type(self).__name__)


def kebab(name: str) -> str:
    """Write ``CamelCase`` as ``camel-case``.

    >>> kebab("AssetNotFound")
    'asset-not-found'
    """
    return "".join(f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


class NotFound(ServiceError):
    """There is nothing under this id."""

    status = 404
    hint = "Check the id; ids of other brands are not found either."


class Unauthenticated(ServiceError):
    """This request carries no valid credential."""

    status = 401
    hint = "Send an API token as 'Authorization: Bearer tt_…', or sign in to the console again."


class Forbidden(ServiceError):
    """This credential may not do that."""

    status = 403
    hint = "Ask for a token or a console seat with the role that this needs."


class Conflict(ServiceError):
    """This contradicts what is already there."""

    status = 409


class TooLarge(ServiceError):
    """The request is larger than this service accepts."""

    status = 413
    hint = "Send a smaller file."


class Invalid(ServiceError):
    """The request is understood but cannot be followed."""

    status = 422


class TooManyRequests(ServiceError):
    """Too many requests in a short time."""

    status = 429
    hint = "Wait a minute and try again."


class Unavailable(ServiceError):
    """The service cannot do this right now."""

    status = 503
    hint = "Try again in a minute."


class SetupError(ServiceError):
    """The installation is not as it should be; the service does not start."""

    status = 500
