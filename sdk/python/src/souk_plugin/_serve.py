"""The side of the wire that the host speaks to."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import queue
import sys
import tempfile
import threading
from concurrent import futures
from datetime import datetime, timezone
from typing import Any, Dict, Iterator, List, Optional

import grpc
from google.protobuf import any_pb2

from ._changes import Told, harvested
from ._wire import MAX_CHECKPOINT, VERSION, message
from .errors import Cancelled, PluginError
from .plugin import Env, Plugin, Request
from .records import NativeID, Record

_BATCH_RECORDS, _BATCH_BYTES, _FLUSH_AFTER = 100, 256 << 10, 0.2
_MARK = "[secret]"

Event, Batch, WireRecord = message("HarvestEvent"), message("Batch"), message("Record")


def serve(plugin: "Plugin[Any]") -> None:
    """Answers the host until it is done."""
    ended = threading.Event()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 0)])
    service = _Service(plugin)
    server.add_generic_rpc_handlers((service.handlers(), _controller(ended)))
    path = os.path.join(os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp(), "plugin.sock")
    server.add_insecure_port("unix:" + path)
    server.start()
    sys.stdout.write(f"1|{VERSION}|unix|{path}|grpc|\n")
    sys.stdout.flush()
    parent = os.getppid()
    while not ended.wait(2):
        if os.getppid() != parent:
            os._exit(3)  # the host is gone
    server.stop(0.1).wait()


def _controller(ended: threading.Event) -> grpc.GenericRpcHandler:
    def shutdown(_: bytes, __: grpc.ServicerContext) -> bytes:
        ended.set()
        return b""

    return grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": grpc.unary_unary_rpc_method_handler(shutdown)})


class _Lines(logging.Handler):
    """Writes lines that the host reads back, without secrets."""

    def __init__(self, secrets: List[str]) -> None:
        super().__init__()
        self.secrets = secrets

    def emit(self, record: logging.LogRecord) -> None:
        level = "DEBUG" if record.levelno < 20 else "INFO" if record.levelno < 30 else "WARN" if record.levelno < 40 else "ERROR"
        line = json.dumps({"time": datetime.now(timezone.utc).isoformat(), "level": level, "msg": _strike(record.getMessage(), self.secrets)})
        os.write(2, (line + "\n").encode())


def _strike(text: str, secrets: List[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, _MARK)
    return text


class _Service:
    def __init__(self, plugin: "Plugin[Any]") -> None:
        self.plugin = plugin

    def handlers(self) -> grpc.GenericRpcHandler:
        def one(method: Any, request: str, stream: bool) -> Any:
            make = grpc.unary_stream_rpc_method_handler if stream else grpc.unary_unary_rpc_method_handler
            return make(method, request_deserializer=message(request).FromString, response_serializer=lambda m: m.SerializeToString(deterministic=True))

        return grpc.method_handlers_generic_handler("souk.harvest.v1.Source", {
            "Describe": one(self.describe, "DescribeRequest", False),
            "Judge": one(self.judge, "JudgeRequest", False),
            "Check": one(self.check, "CheckRequest", True),
            "Harvest": one(self.harvest, "HarvestRequest", True),
        })

    def describe(self, _: Any, __: grpc.ServicerContext) -> Any:
        i = self.plugin.info
        return message("DescribeResponse")(
            name=i.name, version=i.version, summary=i.summary, doc=i.doc, emits=i.emits,
            schema_json=json.dumps(self.plugin.schema()).encode(), secret_fields=self.plugin.secret_fields(), offers=i.offers,
        )

    def judge(self, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            self.plugin.judged(_json(request.config_json))
        except Exception as e:
            _abort(context, e, [])
        return message("JudgeResponse")()

    def check(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        stream = _Stream(context)
        secrets = _values(request.secrets)
        report = _Reported(stream, secrets)
        yield from self._run(request, context, stream, secrets, lambda source: source.check(report))

    def harvest(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        stream = _Stream(context)
        secrets = _values(request.secrets)
        sink = _Sink(stream, secrets, Told(request.watermark if request.changes else b"", secrets))

        def work(source: Any) -> None:
            mark = harvested(source, Request(request.run_id, request.checkpoint), request.changes, request.watermark, sink)
            sink.finish(mark)

        yield from self._run(request, context, stream, secrets, work, sink)

    def _run(self, request: Any, context: grpc.ServicerContext, stream: "_Stream", secrets: List[str], use: Any, sink: "Optional[_Sink]" = None) -> Iterator[Any]:
        """Lets the author's code work in a thread of its own, and sends what it finds."""
        log = logging.Logger(self.plugin.info.name)
        log.addHandler(_Lines(secrets))
        failed: List[BaseException] = []

        def work() -> None:
            try:
                source = self.plugin.opened(_json(request.config_json), dict(request.secrets), Env(log, list(request.folders)))
                try:
                    use(source)
                finally:
                    source.close()
            except BaseException as e:
                failed.append(e)
            finally:
                stream.end()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield from stream.events(sink)
        if failed:
            _abort(context, failed[0], secrets)


class _Stream:
    """What one call sends, in order. It is bounded, so that a slow host is waited for."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._queue: "queue.Queue[Any]" = queue.Queue(maxsize=4)
        self._gone = threading.Event()
        if not context.add_callback(self._gone.set):
            self._gone.set()

    def put(self, event: Any) -> None:
        while True:
            if self._gone.is_set():
                raise Cancelled("the run was cancelled")
            try:
                return self._queue.put(event, timeout=0.1)
            except queue.Full:
                continue

    def end(self) -> None:
        try:
            self.put(None)
        except Cancelled:
            pass

    def events(self, sink: "Optional[_Sink]") -> Iterator[Any]:
        while not self._gone.is_set():
            try:
                event = self._queue.get(timeout=_FLUSH_AFTER)
            except queue.Empty:
                event = sink.waiting() if sink else None
                if event is not None:
                    yield event
                continue
            if event is None:
                return
            yield event


class _Reported:
    def __init__(self, stream: _Stream, secrets: List[str]) -> None:
        self._stream, self._secrets = stream, secrets

    def ok(self, name: str) -> None:
        self._stream.put(message("Capability")(name=name, ok=True))

    def failed(self, name: str, reason: str, fix: str) -> None:
        self._stream.put(message("Capability")(name=name, ok=False, reason=_strike(reason, self._secrets), fix=_strike(fix, self._secrets)))


class _Sink:
    """Sends in batches. Its methods are for one thread or for several."""

    def __init__(self, stream: _Stream, secrets: List[str], told: Told) -> None:
        self._stream, self._secrets, self._told = stream, secrets, told
        self._lock = threading.RLock()
        self._records: List[Any] = []
        self._size, self._seq = 0, 0
        self._counts: Dict[str, int] = {}

    def emit(self, record: Record) -> None:
        kind = type(record).__name__.lower()
        wire = WireRecord(**{kind: fill(message(type(record).__name__), record)})
        size = wire.ByteSize()
        with self._lock:
            if self._records and self._size + size > _BATCH_BYTES:
                self._flush()
            self._records.append(wire)
            self._size += size
            self._counts[kind] = self._counts.get(kind, 0) + 1
            if len(self._records) >= _BATCH_RECORDS:
                self._flush()

    def checkpoint(self, state: bytes) -> None:
        if len(state) > MAX_CHECKPOINT:
            raise ValueError("a checkpoint has at most 1 MiB")
        with self._lock:
            self._flush()
            self._stream.put(Event(checkpoint={"state": state}))

    def scope_done(self, scope: str) -> None:
        with self._lock:
            self._told.scope_done(scope)
            self._flush()
            self._stream.put(Event(scope_done={"scope": scope}))

    def scope_kept(self, scope: str) -> None:
        with self._lock:
            self._told.scope_kept(scope)
            self._flush()
            self._stream.put(Event(scope_kept={"scope": scope}))

    def gone(self, scope: str, asset: NativeID) -> None:
        with self._lock:
            self._told.gone(scope, asset)
            self._flush()
            self._stream.put(Event(gone={"scope": scope, "asset": fill(message("NativeID"), asset)}))

    def progress(self, done: int, total: int, what: str) -> None:
        with self._lock:
            self._stream.put(Event(progress={"done": done, "total": total, "what": _strike(what, self._secrets)}))

    def note(self, level: str, code: str, title: str, sample: str = "", scope: str = "", asset: Optional[NativeID] = None) -> None:
        with self._lock:
            if level == "error" and asset is None:
                self._told.scope_broken(scope)
            note: Dict[str, Any] = {"level": level, "code": code, "title": _strike(title, self._secrets), "sample": _strike(sample, self._secrets), "scope": scope}
            if asset is not None:
                note["asset"] = fill(message("NativeID"), asset)
            self._stream.put(Event(note=note))

    def waiting(self) -> Any:
        """A batch that has waited long enough, taken without waiting for the author's code."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._batch() if self._records else None
        finally:
            self._lock.release()

    def finish(self, mark: Optional[bytes]) -> None:
        state = self._told.watermark(mark)
        with self._lock:
            self._flush()
            if state:
                self._stream.put(Event(watermark={"state": state}))
            self._stream.put(Event(done={
                "assets": self._counts.get("asset", 0), "edges": self._counts.get("edge", 0), "quality": self._counts.get("quality", 0),
                "scopes": len(self._told.done), "kept": len(self._told.kept), "gone": self._told.named,
            }))

    def _flush(self) -> None:
        if self._records:
            self._stream.put(self._batch())

    def _batch(self) -> Any:
        self._seq += 1
        batch = Batch(records=self._records, seq=self._seq)
        self._records, self._size = [], 0
        return Event(batch=batch)


def fill(cls: Any, value: Any) -> Any:
    """The message of a dataclass: both have the same names."""
    m = cls()
    for f in dataclasses.fields(value):
        v = getattr(value, f.name)
        if v is None or v == "" or v == [] or v == {}:
            continue
        name = f.name.rstrip("_")  # from_ is a word of Python
        target = getattr(m, name)
        if isinstance(v, datetime):
            target.FromDatetime(v.astimezone(timezone.utc).replace(tzinfo=None))
        elif dataclasses.is_dataclass(v):
            target.CopyFrom(fill(type(target), v))
        elif isinstance(v, list) and dataclasses.is_dataclass(v[0]):
            for one in v:
                made = target.add()
                made.CopyFrom(fill(type(made), one))
        elif isinstance(v, list):
            target.extend(v)
        elif isinstance(v, dict):
            target.update(v)
        else:
            setattr(m, name, v)
    return m


def _json(text: bytes) -> Any:
    return json.loads(text or b"{}")


def _values(secrets: Any) -> List[str]:
    return sorted((v for v in secrets.values() if len(v) >= 4), key=len, reverse=True)


def _abort(context: grpc.ServicerContext, e: BaseException, secrets: List[str]) -> None:
    """Ends the call with the error as the wire has it."""
    if isinstance(e, Cancelled):
        context.abort(grpc.StatusCode.CANCELLED, "the run was cancelled")
    if not isinstance(e, PluginError):
        e = PluginError(f"{type(e).__name__}: {e}", "report it to the author of the plugin with the log of the run")
    failure = message("Failure")(
        **{"class": e.kind}, code=e.code, field=e.field, message=_strike(e.message, secrets), fix=_strike(e.fix, secrets),
        retry_after_ms=int(e.retry_after * 1000),
    )
    said = "the plugin reports a failure"
    detail = any_pb2.Any(type_url="type.googleapis.com/souk.harvest.v1.Failure", value=failure.SerializeToString())
    code = grpc.StatusCode.ABORTED.value[0]
    status = bytes([1 << 3, code]) + _part(2, said.encode()) + _part(3, detail.SerializeToString())  # a google.rpc.Status
    context.set_trailing_metadata((("grpc-status-details-bin", status),))
    context.abort(grpc.StatusCode.ABORTED, said)


def _part(number: int, value: bytes) -> bytes:
    size, n = b"", len(value)
    while n > 0x7F:
        size += bytes([n & 0x7F | 0x80])
        n >>= 7
    return bytes([number << 3 | 2]) + size + bytes([n]) + value


