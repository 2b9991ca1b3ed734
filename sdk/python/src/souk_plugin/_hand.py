"""What a person at the keyboard gets: schema, doc, check and dump."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import os
import sys
from dataclasses import asdict
from typing import Any, Dict, List, Optional

from ._changes import Told, harvested
from .errors import ConfigError, PluginError
from .plugin import Env, Plugin, Request
from .records import NativeID, Record


class _Printed:
    """A report and a sink that print."""

    missing = 0

    def __init__(self, told: Told) -> None:
        self._told = told

    def ok(self, name: str) -> None:
        print("ok     ", name)

    def failed(self, name: str, reason: str, fix: str) -> None:
        self.missing += 1
        print(f"FAILED  {name}: {reason}\n        {fix}")

    def emit(self, record: Record) -> None:
        _line(type(record).__name__.lower(), asdict(record))

    def checkpoint(self, state: bytes) -> None: ...

    def scope_done(self, scope: str) -> None:
        self._told.scope_done(scope)
        _line("scopeDone", scope)

    def scope_kept(self, scope: str) -> None:
        self._told.scope_kept(scope)
        _line("scopeKept", scope)

    def gone(self, scope: str, asset: NativeID) -> None:
        self._told.gone(scope, asset)
        _line("gone", {**asdict(asset), "scope": scope})

    def progress(self, done: int, total: int, what: str) -> None: ...

    def note(self, level: str, code: str, title: str, sample: str = "", scope: str = "", asset: Optional[NativeID] = None) -> None:
        if level == "error" and asset is None:
            self._told.scope_broken(scope)
        _line("note", {"level": level, "code": code, "title": title, "sample": sample, "scope": scope})


def _line(kind: str, value: Any) -> None:
    print(json.dumps({kind: value}, default=str))


class _Given:
    """The words of the command line."""

    def __init__(self, args: List[str]) -> None:
        self.config, self.since = "{}", ""
        self.secrets: Dict[str, str] = {}
        self.rest: List[str] = []
        words = iter(args)
        for word in words:
            if word == "--config":
                self.config = next(words, "")
            elif word == "--since":
                self.since = next(words, "")
            elif word == "--secret":
                name, _, variable = next(words, "").partition("=env:")
                self.secrets[name] = os.environ.get(variable, "")
            else:
                self.rest.append(word)
        if self.config.startswith("@"):
            with open(self.config[1:], encoding="utf-8") as f:
                self.config = f.read()


def run(plugin: "Plugin[Any]", args: List[str]) -> int:
    """Does what the arguments say, and returns the status to exit with."""
    given = _Given(args)
    if given.rest == ["schema"]:
        print(json.dumps(plugin.schema(), indent=2))
        return 0
    if given.rest == ["doc"]:
        print(plugin.info.doc)
        return 0
    if given.rest not in (["check"], ["dump"]):
        print("This is a plugin of Souk. To try it: schema | doc | check | dump, with --config JSON or @FILE, and --secret FIELD=env:NAME;"
              " dump with --since WATERMARK tells what has changed.", file=sys.stderr)
        return 2
    try:
        return _tried(plugin, given)
    except PluginError as e:
        print(f"{e.field + ': ' if e.field else ''}{e.message}\n  {e.fix}", file=sys.stderr)
        return 1


def _tried(plugin: "Plugin[Any]", given: _Given) -> int:
    since = _watermark(given.since)
    told = Told(since, [v for v in given.secrets.values() if v])
    out = _Printed(told)
    source = plugin.opened(json.loads(given.config), given.secrets, Env(logging.getLogger(plugin.info.name), ["/"]))
    try:
        if given.rest == ["check"]:
            source.check(out)
            return 1 if out.missing else 0
        if since and not hasattr(source, "changes"):
            raise ConfigError("since", "the plugin cannot tell what has changed", "leave it out")
        mark = told.watermark(harvested(source, Request(), True, since, out))
        if mark:
            _line("watermark", base64.b64encode(mark).decode())
        return 0
    finally:
        source.close()


def _watermark(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ConfigError("since", "is no watermark", "give what dump has printed as its last line") from None
