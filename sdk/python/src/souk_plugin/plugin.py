"""What the author of a plugin writes against."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Dict, Generic, IO, List, NoReturn, Optional, Protocol, Sequence, Type, TypeVar

from . import config as configs
from .errors import ConfigError, PluginError
from .records import NativeID, Record

C = TypeVar("C")


@dataclass
class Info:
    """Describes a plugin before it runs."""

    name: str
    version: str
    summary: str
    doc: str  # Markdown page for operators
    emits: List[str] = field(default_factory=lambda: ["asset"])  # asset, edge, quality


class Report(Protocol):
    """Collects the capabilities of one check."""

    def ok(self, name: str) -> None: ...
    def failed(self, name: str, reason: str, fix: str) -> None: ...


class Sink(Protocol):
    """Takes what a harvest finds. Its methods wait while the host is slower, and raise Cancelled after a cancel."""

    def emit(self, record: Record) -> None: ...
    def checkpoint(self, state: bytes) -> None: ...
    def scope_done(self, scope: str) -> None: ...
    def progress(self, done: int, total: int, what: str) -> None: ...
    def note(self, level: str, code: str, title: str, sample: str = "", scope: str = "", asset: Optional[NativeID] = None) -> None: ...


@dataclass
class Request:
    """Says where to begin."""

    run_id: str = ""
    checkpoint: bytes = b""  # the last state of a run that did not end, or nothing


class Source(Protocol):
    """An open connection to one configured system."""

    def check(self, report: Report) -> None: ...
    def harvest(self, request: Request, sink: Sink) -> None: ...
    def close(self) -> None: ...


class Env:
    """What the host lends to a plugin."""

    def __init__(self, log: logging.Logger, folders: Sequence[str]) -> None:
        self.log = log
        self._folders = [os.path.realpath(f) for f in folders]

    def open(self, field: str, path: str, mode: str = "r", **how: Any) -> IO[Any]:
        """Opens a file that the operator lets the source read, and no other. What lies outside is refused with one message."""
        if not path:
            raise ConfigError(field, "is missing", "name a file")
        for folder in self._folders:
            real = os.path.realpath(path if folder == "/" else os.path.join(folder, path))  # "/": a person, where they are
            if os.path.commonpath([folder, real]) != folder:
                continue
            if not os.path.isfile(real):
                raise ConfigError(field, "the file does not exist", "name an existing file")
            try:
                return open(real, mode, **how)
            except OSError:
                raise ConfigError(field, "the file cannot be opened", "let the user that runs souk read the file") from None
        raise ConfigError(field, "is not below a folder that this source may read", "let the operator open the file's folder to the domain of the source")


@dataclass
class Plugin(Generic[C]):
    """One kind of source. Its configuration is a dataclass of options."""

    info: Info
    config: Type[C]
    open: Callable[[C, Env], Source]
    judge: Optional[Callable[[C], None]] = None  # raises ConfigError for what the schema cannot say

    def schema(self) -> Dict[str, Any]:
        return configs.schema_of(self.config, self.info.name)

    def secret_fields(self) -> List[str]:
        return configs.secret_fields(self.config)

    def opened(self, given: Any, secrets: Dict[str, str], env: Env) -> Source:
        return self.open(configs.read(self.config, given, secrets), env)

    def judged(self, given: Any) -> None:
        c = configs.read(self.config, given, None)
        if self.judge:
            self.judge(c)


def main(plugin: "Plugin[Any]") -> NoReturn:
    """The whole main function. Launched by Souk it serves; a person tries it with schema, doc, check and dump."""
    from . import _serve, _wire

    if os.environ.get(_wire.COOKIE[0]) == _wire.COOKIE[1]:
        _serve.serve(plugin)
        sys.exit(0)
    sys.exit(_by_hand(plugin, sys.argv[1:]))


class _Printed:
    """A report and a sink that print."""

    missing = 0

    def ok(self, name: str) -> None:
        print("ok     ", name)

    def failed(self, name: str, reason: str, fix: str) -> None:
        self.missing += 1
        print(f"FAILED  {name}: {reason}\n        {fix}")

    def emit(self, record: Record) -> None:
        print(json.dumps({type(record).__name__.lower(): asdict(record)}, default=str))

    def checkpoint(self, state: bytes) -> None: ...

    def scope_done(self, scope: str) -> None:
        print(json.dumps({"scopeDone": scope}))

    def progress(self, done: int, total: int, what: str) -> None: ...

    def note(self, level: str, code: str, title: str, sample: str = "", scope: str = "", asset: Optional[NativeID] = None) -> None:
        print(json.dumps({"note": {"level": level, "code": code, "title": title, "sample": sample, "scope": scope}}))


def _by_hand(plugin: "Plugin[Any]", args: List[str]) -> int:
    config, secrets, rest = "{}", {}, []
    words = iter(args)
    for word in words:
        if word == "--config":
            config = next(words, "")
        elif word == "--secret":
            name, _, variable = next(words, "").partition("=env:")
            secrets[name] = os.environ.get(variable, "")
        else:
            rest.append(word)
    if config.startswith("@"):
        with open(config[1:], encoding="utf-8") as f:
            config = f.read()
    if rest == ["schema"]:
        print(json.dumps(plugin.schema(), indent=2))
        return 0
    if rest == ["doc"]:
        print(plugin.info.doc)
        return 0
    if rest not in (["check"], ["dump"]):
        print("This is a plugin of Souk. To try it: schema | doc | check | dump, with --config JSON or @FILE, and --secret FIELD=env:NAME.", file=sys.stderr)
        return 2
    out = _Printed()
    try:
        source = plugin.opened(json.loads(config), secrets, Env(logging.getLogger(plugin.info.name), ["/"]))
        try:
            if rest == ["check"]:
                source.check(out)
            else:
                source.harvest(Request(), out)
        finally:
            source.close()
    except PluginError as e:
        print(f"{e.field + ': ' if e.field else ''}{e.message}\n  {e.fix}", file=sys.stderr)
        return 1
    return 1 if out.missing else 0
