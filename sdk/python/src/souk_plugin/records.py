# Written by sdk/python/generate from harvest.proto. Do not edit: go generate ./sdk/...
"""What a harvest emits. Every field may be left out but those that name the record."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Dict, List, Optional, Union


@dataclasses.dataclass(kw_only=True)
class NativeID:
    namespace: str = ""
    name: str = ""


@dataclasses.dataclass(kw_only=True)
class Field:
    name: str = ""
    position: int = 0
    native_type: str = ""
    nullable: bool = False
    description: str = ""
    primary_key: int = 0
    default_value: str = ""
    tags: List[str] = dataclasses.field(default_factory=list)
    meta: Dict[str, str] = dataclasses.field(default_factory=dict)
    values: List[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class ForeignKey:
    name: str = ""
    fields: List[str] = dataclasses.field(default_factory=list)
    to_name: str = ""
    to_fields: List[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class Alias:
    scheme: str = ""
    namespace: str = ""
    name: str = ""


@dataclasses.dataclass(kw_only=True)
class Constraint:
    name: str = ""
    kind: str = ""
    fields: List[str] = dataclasses.field(default_factory=list)
    expression: str = ""


@dataclasses.dataclass(kw_only=True)
class Index:
    name: str = ""
    fields: List[str] = dataclasses.field(default_factory=list)
    unique: bool = False
    expression: str = ""
    method: str = ""


@dataclasses.dataclass(kw_only=True)
class Freshness:
    warn_after_ms: int = 0
    error_after_ms: int = 0
    field: str = ""


@dataclasses.dataclass(kw_only=True)
class Usage:
    reads: int = 0
    users: int = 0
    from_: Optional[datetime.datetime] = None
    to: Optional[datetime.datetime] = None


@dataclasses.dataclass(kw_only=True)
class JobRun:
    id: str = ""
    state: str = ""
    started: Optional[datetime.datetime] = None
    ended: Optional[datetime.datetime] = None
    message: str = ""


@dataclasses.dataclass(kw_only=True)
class Asset:
    id: Optional[NativeID] = None
    scope: str = ""
    kind: str = ""
    rank: int = 0
    short_name: str = ""
    description: str = ""
    owners: List[str] = dataclasses.field(default_factory=list)
    tags: List[str] = dataclasses.field(default_factory=list)
    fields: List[Field] = dataclasses.field(default_factory=list)
    foreign_keys: List[ForeignKey] = dataclasses.field(default_factory=list)
    rows: Optional[int] = None
    properties: Dict[str, str] = dataclasses.field(default_factory=dict)
    aliases: List[Alias] = dataclasses.field(default_factory=list)
    reference: bool = False
    owner_roles: List[str] = dataclasses.field(default_factory=list)
    parent: Optional[NativeID] = None
    constraints: List[Constraint] = dataclasses.field(default_factory=list)
    indexes: List[Index] = dataclasses.field(default_factory=list)
    definition: str = ""
    definition_language: str = ""
    bytes: Optional[int] = None
    changed_at: Optional[datetime.datetime] = None
    freshness: Optional[Freshness] = None
    usage: Optional[Usage] = None
    stable_id: str = ""
    runs: List[JobRun] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class FieldEdge:
    from_: str = ""
    to: str = ""
    transform: str = ""


@dataclasses.dataclass(kw_only=True)
class Edge:
    from_: Optional[NativeID] = None
    to: Optional[NativeID] = None
    scope: str = ""
    kind: str = ""
    method: str = ""
    confidence: float = 0.0
    fields: List[FieldEdge] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class Result:
    status: str = ""
    failures: int = 0
    message: str = ""
    at: Optional[datetime.datetime] = None


@dataclasses.dataclass(kw_only=True)
class Quality:
    asset: Optional[NativeID] = None
    scope: str = ""
    key: str = ""
    name: str = ""
    rule: str = ""
    field: str = ""
    severity: str = ""
    result: Optional[Result] = None
    arguments: Dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(kw_only=True)
class Note:
    level: str = ""
    code: str = ""
    title: str = ""
    sample: str = ""
    scope: str = ""
    asset: Optional[NativeID] = None


Record = Union[Asset, Edge, Quality]
