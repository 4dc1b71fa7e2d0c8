"""Where settings come from: the TOML file, and the environment.

In: a file, the environment's variables.  Out: values by "section.key".
Does not know: which settings there are, what a value may be.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attendance.config_words import toml
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
