"""The SDK for plugins of Souk in Python.

A plugin says what it is configured with, checks that it may read what it must,
and emits what it finds. It never computes ids and never decides that something
is gone: it gives native names and says which scopes it has listed completely.
"""

from .config import option
from .errors import AuthError, Cancelled, ConfigError, DeniedError, ExpiredError, PluginError, ThrottledError, UnavailableError
from .plugin import Changer, ChangeSink, Env, Info, Plugin, Report, Request, Sink, Source, main
from .records import *  # noqa: F401,F403

# How well a source knows an asset.
HOLDER, BUILDER, REFERENCE = 10, 20, 30

# What a plugin whose sources are Changers says in the offers of its Info.
OFFERS_CHANGES = "changes"

__all__ = [
    "AuthError", "BUILDER", "Cancelled", "ChangeSink", "Changer", "ConfigError", "DeniedError", "Env", "ExpiredError", "HOLDER", "Info",
    "OFFERS_CHANGES", "Plugin", "PluginError", "REFERENCE", "Report", "Request", "Sink", "Source", "ThrottledError", "UnavailableError", "main", "option",
]
