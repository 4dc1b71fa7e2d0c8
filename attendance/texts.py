"""Texts that people read on pages and at the kiosk, marked so that they can be translated.

In: an English text with named placeholders.  Out: the text in the language of the present request.
Does not know: which language that is and how it writes days (`web/app.py` calls `use`), pages, templates (they have
`_` by themselves).
Main choice: one context variable instead of a web framework's own function, so that the services that write
for the kiosk stay free of it.  Outside of a request every text stays English, as in logs and on the command line.

Mark a text with `_("Noted at %(time)s", time=text)`.  Mark a constant, which is read before any request, with
`N_("Noted")` and translate it where it is shown.  An error marks its text by being made: `UserError("…")`, and a
`Phrase("…")` does so for a part of it; `translated` shows both.  `make messages` collects all of these.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import date, datetime
from typing import Any

from babel.support import NullTranslations

from attendance.errors import Phrase, UserError

_TRANSLATIONS: ContextVar[NullTranslations] = ContextVar("translations")
_DAYS: ContextVar[Callable[[date], str]] = ContextVar("days")


def use(translations: NullTranslations, days: Callable[[date], str] = date.isoformat) -> None:
    """Translate by this catalogue, and write days so, from here on, in this context (a thread's request) only."""
    _TRANSLATIONS.set(translations)
    _DAYS.set(days)


def _written(values: dict[str, Any]) -> dict[str, Any]:
    """Return what fills a text, days as the site writes them; as YYYY-MM-DD outside of a request."""
    days = _DAYS.get(date.isoformat)
    return {
        name: days(value) if isinstance(value, date) and not isinstance(value, datetime) else value
        for name, value in values.items()
    }


def gettext(text: str, /, **values: Any) -> str:
    """Translate `text` and fill its `%(name)s` placeholders; without values, a `%` stays a `%`."""
    catalogue = _TRANSLATIONS.get(None)
    found: str = catalogue.ugettext(text) if catalogue is not None else text
    return found % _written(values) if values else found


def ngettext(one: str, many: str, number: int, /, **values: Any) -> str:
    """Translate by number: `%(number)s` is filled with it."""
    catalogue = _TRANSLATIONS.get(None)
    if catalogue is not None:
        found: str = catalogue.ungettext(one, many, number)
    else:
        found = one if number == 1 else many
    return found % {"number": number, **_written(values)}


def N_(text: str) -> str:  # noqa: N802  the name that gettext's tools look for
    """Mark a constant for translation; it is translated where it is shown."""
    return text


def translated(words: object) -> str:
    """Return an error or a phrase in the language of the present request, its parts too; other things as text."""
    if isinstance(words, UserError):
        words = words.words
    if not isinstance(words, Phrase) or not words.text:
        return str(words)
    values = {name: translated(value) if isinstance(value, Phrase) else value for name, value in words.values.items()}
    return gettext(words.text, **values)
