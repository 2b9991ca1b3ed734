"""Errors that say whose turn it is. Anything else is the plugin's fault."""

from __future__ import annotations

from ._wire import EXPIRED


class PluginError(Exception):
    """An error with its class, and with what to do."""

    kind = "internal"

    def __init__(self, message: str, fix: str, *, field: str = "", code: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.message, self.fix, self.field, self.code, self.retry_after = message, fix, field, code or self.kind, retry_after


class ConfigError(PluginError):
    """A field of the configuration is wrong."""

    kind = "config"

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(message, fix, field=field)


class AuthError(PluginError):
    """The credentials are refused."""

    kind = "auth"


class DeniedError(PluginError):
    """A right is missing."""

    kind = "denied"


class ThrottledError(PluginError):
    """The source wants to be asked later."""

    kind = "throttled"


class UnavailableError(PluginError):
    """The source cannot be reached now."""

    kind = "unavailable"


class ExpiredError(PluginError):
    """The source cannot tell what has changed since the watermark: it is of another shape, or the source remembers less far back."""

    def __init__(self, why: str) -> None:
        super().__init__("the watermark is not valid any more: " + why, "run the source once in full", code=EXPIRED)


class Cancelled(Exception):
    """The run was cancelled: let it through."""
