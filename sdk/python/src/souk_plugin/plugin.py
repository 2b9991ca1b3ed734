"""What the author of a plugin writes against."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Generic, IO, List, NoReturn, Optional, Protocol, Sequence, Type, TypeVar

from . import config as configs
from .errors import ConfigError
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
    offers: List[str] = field(default_factory=list)  # OFFERS_CHANGES, if its sources are Changers


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


class ChangeSink(Sink, Protocol):
    """The sink of changes. What it has beside a Sink is refused where there is no watermark: then all is emitted, and what is not is gone."""

    def scope_kept(self, scope: str) -> None:
        """Ends a scope: all that has changed in it was emitted or named as gone, and the rest is as it was."""

    def gone(self, scope: str, asset: NativeID) -> None:
        """Names an asset that the source itself says is no longer there. Its tests, and the edges of the scope that touch it, go with it."""


class Changer(Source, Protocol):
    """A source that can also tell what has changed since an earlier harvest."""

    def changes(self, request: Request, since: bytes, sink: ChangeSink) -> Optional[bytes]:
        """Emits what has changed since the watermark, or everything where that is empty, and returns the watermark of the next
        harvest: of the moment at which it began to read. Each scope ends by scope_kept, or by scope_done where it was read from
        one end to the other, or by neither where it could not be read. Raises ExpiredError where it cannot go on from there."""


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
    from . import _hand, _serve, _wire

    if os.environ.get(_wire.COOKIE[0]) == _wire.COOKIE[1]:
        _serve.serve(plugin)
        sys.exit(0)
    sys.exit(_hand.run(plugin, sys.argv[1:]))
