"""A policy as plain values and back, so that it can lie in a file.

In: a `Policy`.  Out: values that JSON knows; the same policy from them; the policy as a copy that grows old.
Does not know: files, keys, clocks.
Main choice: the types of the rules say how each value is written, so that a rule that is added needs no line here.
Trade-off: a copy that another version of the program wrote may not fit, and then nobody passes by it.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from attendance.domain.access.rules.policy import Policy

# The zone belongs to the program that decides; how old a copy may be, the door says.
_LEFT_OUT = frozenset({"zone", "made_at", "max_age"})


def to_plain(policy: Policy) -> dict[str, Any]:
    """Return the rules as values that JSON knows, without zone and age."""
    return {key: value for key, value in plain(policy).items() if key not in _LEFT_OUT}


def from_plain(values: Mapping[str, Any], zone: tzinfo) -> Policy:
    """Return the rules again; ValueError if these values are not rules of this version."""
    wanted = {field.name for field in fields(Policy)} - _LEFT_OUT
    if values.keys() != wanted:
        raise ValueError("these are not the rules of this version")
    kinds = kinds_of(Policy)
    try:
        return Policy(zone=zone, **{name: built(kinds[name], values[name]) for name in wanted})
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"these are not the rules of this version: {error}") from error


def aged(policy: Policy, age: timedelta | None, now: datetime, greatest: timedelta) -> Policy:
    """Return the rules as a copy of this age, which refuses everybody once it is older than `greatest`.

    `age`: None if no clock can tell; such a copy refuses everybody, too.
    """
    return replace(policy, made_at=None if age is None else now - age, max_age=greatest)


def plain(value: Any) -> Any:
    """Return a value of the rules, or a passage, as values that JSON knows."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value) if field.name != "zone"}
    if isinstance(value, Mapping):
        return [[plain(key), plain(each)] for key, each in value.items()]
    if isinstance(value, frozenset):
        return sorted((plain(each) for each in value), key=repr)
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value


def built(kind: Any, value: Any) -> Any:
    """Return the value of this type that `plain` wrote; ValueError, TypeError or KeyError for anything else."""
    origin, of = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        [kind] = [each for each in of if each is not type(None)]
        return built(kind, value)
    if origin is tuple:
        return tuple(built(of[0], each) for each in value)
    if origin is frozenset:
        return frozenset(built(of[0], each) for each in value)
    if origin is not None and issubclass(origin, Mapping):
        return {built(of[0], key): built(of[1], each) for key, each in value}
    if isinstance(kind, type) and is_dataclass(kind):
        kinds = kinds_of(kind)
        if value.keys() != kinds.keys():
            raise ValueError(f"this is not a {kind.__name__} of this version")
        return kind(**{name: built(kinds[name], each) for name, each in value.items()})
    if issubclass(kind, datetime | date):
        return kind.fromisoformat(value)
    return _of_simple_kind(kind, value)


def _of_simple_kind(kind: Any, value: Any) -> Any:
    if issubclass(kind, Enum):
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{value!r} is not a {kind.__name__}")
    return value


@cache
def kinds_of(kind: type) -> dict[str, Any]:
    """Return the type of each field of a dataclass."""
    return get_type_hints(kind)
