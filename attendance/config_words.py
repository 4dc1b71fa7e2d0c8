"""How a setting and what it may be are written in a message.

In: a value; a field with its bounds.  Out: TOML text; "a number above 0 to 1".
Does not know: which settings there are.
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic.fields import FieldInfo


def allowed(field: FieldInfo) -> str:
    choices = get_args(field.annotation)
    if choices:
        return " or ".join(f'"{one}"' for one in choices)
    if field.annotation is bool:
        return "true or false"
    if field.annotation is str:
        return _TEXTS.get(next((m.pattern for m in field.metadata if getattr(m, "pattern", None)), ""), "a text")
    kind = "a whole number" if field.annotation is int else "a number"
    limits = {
        name: getattr(one, name)
        for one in field.metadata
        for name in ("ge", "gt", "le", "lt", "multiple_of")
        if getattr(one, name, None) is not None
    }
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below", "multiple_of": "in steps of"}
    return " ".join([kind, *(f"{words[name]} {limits[name]:g}" for name in words if name in limits)])


_TEXTS = {
    r"^\S(.{0,98}\S)?$": "a text of 1 to 100 characters without spaces at its ends",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$": "a model_id of letters, digits and . _ -",
    r"^(.{32,})?$": "a text of at least 32 characters, or empty",
}


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
