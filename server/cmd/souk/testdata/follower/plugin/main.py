"""A plugin for the tests. Its watermark is the list of the names that it has told."""

import os
import sys
from dataclasses import dataclass
from typing import List

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "vendor"))

from souk_plugin import HOLDER, OFFERS_CHANGES, Asset, ChangeSink, Env, ExpiredError, Info, NativeID, Plugin, Report, Request, Sink, main, option

MARK = b"names "


@dataclass
class Config:
    """What the test fills in."""

    file: str = option("A file with a name on each line.", file=True)
    flaw: str = option("Which rule is broken.", default="")
    password: str = option("A secret.", default="", secret=True)


class Names:
    """The opened source."""

    def __init__(self, config: Config, env: Env) -> None:
        self.config = config
        with env.open("file", config.file) as file:
            self.names: List[str] = file.read().split()

    def check(self, report: Report) -> None:
        report.ok("read_file")

    def harvest(self, request: Request, sink: Sink) -> None:
        for name in self.names:
            sink.emit(asset(name))
        sink.scope_done("names")

    def changes(self, request: Request, since: bytes, sink: ChangeSink) -> bytes:
        now = MARK + " ".join(self.names).encode()
        if self.config.flaw == "early":
            sink.scope_kept("names")
        if not since:
            self.harvest(request, sink)
            return now
        if not since.startswith(MARK) and self.config.flaw != "any":
            raise ExpiredError("it is no list of names")
        before = since[len(MARK):].decode().split()
        for name in self.names:
            if name not in before:
                sink.emit(asset(name))
        for name in before:
            if name not in self.names:
                sink.gone("names", asset(name).id)
        return self.broken(now, sink)

    def broken(self, now: bytes, sink: ChangeSink) -> bytes:
        """Breaks a rule, and has the sink refuse it."""
        flaw = self.config.flaw
        if flaw == "noted":
            sink.note("error", "broken", "Something could not be read.", scope="names")
        if flaw == "twice":
            sink.scope_done("names")
        if flaw in ("unnamed", "nowhere", "named"):
            sink.gone("" if flaw == "nowhere" else "names", asset({"unnamed": "", "nowhere": "a", "named": self.config.password}[flaw]).id)
        if flaw == "many":
            for i in range(100_001):
                sink.gone("names", asset(f"n{i}").id)
        sink.scope_kept("names")
        return {"big": now + bytes(64 << 10), "text": now.decode(), "told": now + self.config.password.encode()}.get(flaw, now)

    def close(self) -> None:
        """Nothing is open."""


def asset(name: str) -> Asset:
    return Asset(id=NativeID(namespace="names://here", name=name), scope="names", kind="TABLE", rank=HOLDER, short_name=name)


if __name__ == "__main__":
    main(Plugin(
        Info(name="follower", version="0.1.0", summary="Names in a file.", doc="# follower\n\nReads one file.\n", offers=[OFFERS_CHANGES]),
        Config, Names,
    ))
