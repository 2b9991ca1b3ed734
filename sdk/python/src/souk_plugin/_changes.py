"""What a plugin may say of what has changed since a watermark, over the wire and by hand."""

from __future__ import annotations

import threading
from typing import Any, List, Optional

from ._wire import MAX_GONE, MAX_WATERMARK
from .errors import ExpiredError
from .plugin import ChangeSink, Request
from .records import NativeID


class Told:
    """Which scopes have ended, and how. Its methods refuse what contradicts itself."""

    def __init__(self, since: bytes = b"", secrets: Optional[List[str]] = None) -> None:
        self._goes_on, self._secrets, self._lock = bool(since), secrets or [], threading.Lock()
        self.done: set[str] = set()
        self.kept: set[str] = set()
        self._broken: set[str] = set()
        self.named = 0  # as gone

    def scope_broken(self, scope: str) -> None:
        with self._lock:
            self._broken.add(scope)

    def scope_done(self, scope: str) -> None:
        with self._lock:
            self._end(scope, "done", self.kept)
            self.done.add(scope)

    def scope_kept(self, scope: str) -> None:
        with self._lock:
            self._changing(scope)
            self._end(scope, "kept", self.done)
            self.kept.add(scope)

    def gone(self, scope: str, asset: NativeID) -> None:
        with self._lock:
            self._changing(scope)
            if not asset.namespace or not asset.name:
                raise ValueError("what is gone has no name: name it as it was emitted")
            self._open(f"{scope} {asset.namespace} {asset.name}".encode(), "the name of an asset")
            if self.named >= MAX_GONE:
                raise ExpiredError("more is gone than one harvest may name")
            self.named += 1

    def watermark(self, state: Optional[bytes]) -> bytes:
        """The watermark as it may be handed on."""
        if state is not None and not isinstance(state, bytes):
            raise TypeError(f"a watermark is of bytes, and not {type(state).__name__}")
        if len(state or b"") > MAX_WATERMARK:
            raise ValueError("a watermark has at most 64 KiB: keep a cursor or a hash, not the data")
        self._open(state or b"", "a watermark")
        return state or b""

    def _end(self, scope: str, how: str, other: "set[str]") -> None:
        if scope in self._broken or "" in self._broken:
            raise ValueError(f"the scope {scope} has a noted error: it is not complete and cannot be called {how}")
        if scope in other:
            raise ValueError(f"the scope {scope} is called kept and done: end each scope once")

    def _changing(self, scope: str) -> None:
        if not scope:
            raise ValueError("the scope has no name: name it as the records do")
        if not self._goes_on:
            raise ValueError("it is said what stays or is gone in a harvest of everything: call scope_kept and gone only where there is a watermark")

    def _open(self, text: bytes, what: str) -> None:
        if any(secret.encode() in text for secret in self._secrets):
            raise ValueError(f"the value of a secret stands in {what}: leave it out")


def harvested(source: Any, request: Request, asked: bool, since: bytes, sink: ChangeSink) -> Optional[bytes]:
    """Harvests what has changed where that is asked for and the source can tell, and everything otherwise."""
    if asked and hasattr(source, "changes"):
        mark: Optional[bytes] = source.changes(request, since, sink)
        return mark
    source.harvest(request, sink)
    return None
