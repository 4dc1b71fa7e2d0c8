"""Where settings come from (the TOML file, the environment), and how one is written in a message.

In: a file, the environment's variables; a value, a field with its bounds.  Out: values by "section.key"; TOML text;
"a number above 0 to 1".
Does not know: which settings there are, what a value may be.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from attendance.errors import UserError

ENV_PREFIX = "ATTENDANCE__"
_FILE_SUFFIX = "_file"


def read_toml(file: Path) -> Mapping[str, Any]:
    """Read the settings file; UserError for one that cannot be read or is not TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 text; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file}: not valid TOML: {error}") from error


def flat(nested: Mapping[str, Any], origin: str, sections: str) -> Iterator[tuple[str, Any]]:
    """Each value as ("section.key", value); UserError for one outside of a section."""
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", inner) for key, inner in value.items())
        elif "." in name:
            yield name, value
        else:
            raise UserError(f"{origin}: {name} = {toml(value)} is not in a section; sections are {sections}")


def environment(environ: Mapping[str, str], known: Mapping[str, bool]) -> dict[str, tuple[Any, str]]:
    """Read the variables that set something; a `_FILE` one gives the content of the file that it names.

    `known`: each setting, and whether it is a secret, which alone may come from a file.
    """
    found: dict[str, tuple[Any, str]] = {}
    for variable, text in environ.items():
        if not variable.upper().startswith(ENV_PREFIX):
            continue
        name = variable[len(ENV_PREFIX) :].lower().replace("__", ".")
        target = name.removesuffix(_FILE_SUFFIX)
        if name not in known and target in known and known[target]:
            try:
                name, text = target, Path(text).read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
                raise UserError(f"{variable}: cannot read {text}: {reason}") from error
        if name in found:
            raise UserError(f"{variable} and {found[name][1]} both set {name}: remove one")
        found[name] = (text, variable)
    return found


def allowed(field: FieldInfo) -> str:
    choices = get_args(field.annotation)
    if choices and get_origin(field.annotation) is not dict:
        return " or ".join(f'"{one}"' for one in choices)
    if field.annotation is bool:
        return "true or false"
    if get_origin(field.annotation) is dict:
        return 'a table such as {address = "192.168.1.40"}'
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
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {toml(inner)}" for name, inner in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)
