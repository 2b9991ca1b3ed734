"""Configurations: a dataclass whose options give the JSON Schema and its checks."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Dict, List, Optional, Sequence, Type, TypeVar

from .errors import ConfigError

C = TypeVar("C")
_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def option(
    doc: str, *, default: Any = dataclasses.MISSING, secret: bool = False, file: bool = False, url: bool = False,
    admin: bool = False, host: bool = False, enum: Optional[Sequence[str]] = None,
) -> Any:
    """A field of a configuration, for str, int, float, bool and lists of str.

    One without a default has to be given. Secrets travel apart from the configuration.
    """
    meta = {"doc": doc, "secret": secret, "file": file, "url": url, "admin": admin, "host": host or url, "enum": enum}
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=meta)
    return dataclasses.field(default=default, metadata=meta)


def schema_of(config: Type[Any], title: str) -> Dict[str, Any]:
    """The JSON Schema of the configuration."""
    properties: Dict[str, Any] = {}
    required: List[str] = []
    hints = typing.get_type_hints(config)
    for order, f in enumerate(dataclasses.fields(config), 1):
        one = _property(hints[f.name], f)
        one["x-order"] = order
        properties[f.name] = one
        needed = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if needed and f.metadata.get("secret"):
            one["x-required"] = True
        elif needed:
            required.append(f.name)
            if one["type"] == "string" and "enum" not in one:
                one["minLength"] = 1
    out: Dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, "type": "object", "properties": properties,
        "additionalProperties": False,
    }
    if required:
        out["required"] = required
    return out


def _property(hint: Any, f: "dataclasses.Field[Any]") -> Dict[str, Any]:
    meta = f.metadata
    one: Dict[str, Any] = {"description": meta.get("doc", "")}
    if hint in _TYPES:
        one["type"] = _TYPES[hint]
    elif typing.get_origin(hint) is list:
        one.update(type="array", items={"type": "string"})
    else:
        raise TypeError(f"the option {f.name} is of a type that a configuration has not: str, int, float, bool or List[str]")
    if f.default is not dataclasses.MISSING and not meta.get("secret"):
        one["default"] = f.default
    if meta.get("enum"):
        one["enum"] = list(meta["enum"])
    if meta.get("secret"):
        one.update({"x-secret": True, "writeOnly": True})
    for name, mark in (("file", "x-path"), ("admin", "x-admin"), ("host", "x-host")):
        if meta.get(name):
            one[mark] = True
    if meta.get("url"):
        one["format"] = "uri"
    return one


def secret_fields(config: Type[Any]) -> List[str]:
    """The names of the options that are secrets."""
    return [f.name for f in dataclasses.fields(config) if f.metadata.get("secret")]


def read(config: Type[C], given: Any, secrets: Optional[Dict[str, str]]) -> C:
    """The configuration, checked. Without secrets, where only its text is looked at, none is missing."""
    if not isinstance(given, dict):
        raise ConfigError("", "the configuration is no object", "write it as JSON with the fields of the schema")
    fields = {f.name: f for f in dataclasses.fields(config)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(config)
    for name in given:
        if name not in fields or fields[name].metadata.get("secret"):
            raise ConfigError(name, "is no field of the configuration", "use one of " + ", ".join(fields))
    values: Dict[str, Any] = {}
    for name, f in fields.items():
        if f.metadata.get("secret"):
            values[name] = (secrets or {}).get(name, "")
            if secrets is not None and not values[name] and f.default is dataclasses.MISSING:
                raise ConfigError(name, "is missing", "give the secret")
        elif name in given:
            values[name] = _checked(name, given[name], hints[name], f)
        elif f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise ConfigError(name, "is missing", "give it: " + f.metadata.get("doc", ""))
    return config(**values)


def _checked(name: str, value: Any, hint: Any, f: "dataclasses.Field[Any]") -> Any:
    wanted = _TYPES.get(hint, "list of texts")
    fits = isinstance(value, hint) if hint in (str, bool) else isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        fits = fits and not isinstance(value, float)
    if hint not in _TYPES:
        fits = isinstance(value, list) and all(isinstance(v, str) for v in value)
    if not fits:
        raise ConfigError(name, f"is no {wanted}", f"write a {wanted}")
    enum = f.metadata.get("enum")
    if enum and value not in enum:
        raise ConfigError(name, "is none of its values", "use one of " + ", ".join(enum))
    if value == "" and f.default is dataclasses.MISSING:
        raise ConfigError(name, "is empty", "give it: " + f.metadata.get("doc", ""))
    return value
