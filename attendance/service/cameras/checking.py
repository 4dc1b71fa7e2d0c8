"""A camera's settings as they are typed, checked: every wrong field with its words.

In: texts and numbers of any origin.  Out: `CameraSettings`, or WrongFields.
Does not know: rows, forms.  Bounds are those of the settings' section.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from attendance.config import CameraSettings
from attendance.errors import Phrase, WrongFields

# Times, frames a second, rotation: whatever a camera's settings have beside what the row holds in columns.
OPTIONS = tuple(key for key in CameraSettings.model_fields if key not in ("name", "source", "direction"))
USUAL = CameraSettings()

_WORDS = {
    "name": Phrase("enter a name of at most 100 characters, in one line"),
    "source": Phrase("enter the camera's address"),
    "direction": Phrase("choose a direction"),
    "rotate": Phrase("choose 0, 90, 180 or 270 degrees"),
}
_SHRINKS = Phrase("the longest wait must not be shorter than the first one")


def checked(name: str, source: str, direction: str, options: Mapping[str, Any]) -> CameraSettings:
    """Return settings of a camera; WrongFields, by the settings' keys, for values that cannot be."""
    given = {key: value for key, value in options.items() if key in OPTIONS and value is not None}
    try:
        return CameraSettings(name=name, source=source.strip(), direction=direction, **given)
    except ValidationError as error:
        raise WrongFields(fields=_wrong(error)) from None


def _wrong(error: ValidationError) -> dict[str, Phrase]:
    """Return the words of each wrong field, once; of the two waits together only if each of them can be."""
    keys = [str(one["loc"][0]) if one["loc"] else "" for one in error.errors(include_url=False, include_input=False)]
    found = {key: _WORDS.get(key) or _between(key) for key in keys if key}
    return found or {"reconnect_max_s": _SHRINKS}


def _between(key: str) -> Phrase:
    bounds = CameraSettings.model_fields[key].metadata
    least = next(one.gt for one in bounds if hasattr(one, "gt"))
    most = next(one.le for one in bounds if hasattr(one, "le"))
    return Phrase("enter a number above %(least)s, %(most)s at most", least=f"{least:g}", most=f"{most:g}")
