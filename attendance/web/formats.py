"""How values look on pages: times of the site's zone and locale, percentages, scores, initials.

In: values of the domain and the store.  Out: Jinja filters and globals.
Does not know: pages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from babel.dates import format_date, format_time
from flask import Flask, g, url_for
from markupsafe import Markup

from attendance.domain.passage import came_late
from attendance.errors import headline, sentence
from attendance.paths import program
from attendance.service.access.passage_texts import by_method, direction_words, method_words
from attendance.service.access.reason_texts import reason_advice, reason_words
from attendance.service.hours.day_words import Local
from attendance.store.cameras import cameras
from attendance.texts import translated
from attendance.web.listing import listed_at
from attendance.web.site import current_site


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(
        clock_time=clock_time,
        short_time=short_time,
        day_time=day_time,
        came_late=came_late,
        day=day,
        long_date=long_date,
        medium_date=lambda day: local_forms().medium_date(day),
        full_date=lambda day: local_forms().full_date(day),
        weekday_date=lambda day: local_forms().weekday_date(day),
        weekday_day=lambda day: local_forms().weekday_day(day),
        short_day=lambda day: local_forms().day(day),
        month=lambda day: local_forms().month(day),
        weekday=lambda day: local_forms().weekday(day),
        weekday_letter=lambda day: local_forms().weekday_letter(day),
        number=lambda value: local_forms().number(value),
        percent=percent,
        score=score,
        whole=whole,
        initials=initials,
        headline=lambda words: headline(translated(words)),
        sentence=lambda words: sentence(translated(words)),
        camera_title=camera_title,
        by_method=by_method,
        method_words=method_words,
        direction_words=direction_words,
        reason_words=reason_words,
        reason_advice=reason_advice,
    )
    versions: dict[str, str] = {}

    def asset(name: str) -> str:
        """Return the address of one of our static files; it changes with the content."""
        if name not in versions:
            content = (Path(app.static_folder or "") / name).read_bytes()
            versions[name] = hashlib.sha256(content).hexdigest()[:10]
        return url_for("static", filename=name, v=versions[name])

    app.jinja_env.globals.update(asset=asset, program=program)
    app.context_processor(lambda: {"site": current_site().settings.site})
    app.jinja_env.globals["listed_at"] = listed_at


def local_forms() -> Local:
    """Return how the site writes dates without a time, numbers, and times inside of a text."""
    site = current_site()
    return Local(site.zone, site.settings.site.locale)


def clock_time(at: datetime | None) -> Markup:
    """Return 09:41:07 in the site's zone, as <time>."""
    return _time(at, lambda local, locale: format_time(local, "medium", locale=locale))


def short_time(at: datetime | None) -> Markup:
    """Return 09:41 in the site's zone."""
    return _time(at, lambda local, locale: format_time(local, "short", locale=locale))


def day_time(at: datetime | None) -> Markup:
    """Return 6 May 2024, 09:41."""
    return _time(at, lambda local, locale: f"{_date(local, locale)}, {format_time(local, 'short', locale=locale)}")


def day(at: datetime | None) -> Markup:
    return _time(at, _date)


def long_date(local: datetime) -> str:
    """Return a local day with its weekday, such as Monday, 6 May 2024."""
    return format_date(local, "full", locale=current_site().settings.site.locale)


def _date(local: datetime, locale: str) -> str:
    return format_date(local, "medium", locale=locale)


def _time(at: datetime | None, form: Callable[[datetime, str], str]) -> Markup:
    if at is None:
        return Markup("–")
    site = current_site()
    local, locale = site.local(at), site.settings.site.locale
    whole = f"{format_date(local, 'full', locale=locale)}, {format_time(local, 'medium', locale=locale)} {local:%Z}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(local.isoformat(), whole, form(local, locale))


def decimal(value: float, digits: int) -> str:
    """Return a number with so many digits after the point, as the site's locale writes it."""
    return local_forms().decimal(value, digits)


def whole(value: float) -> str:
    """Return the number without digits after the point, in groups as the site's locale writes it."""
    return decimal(value, 0)


def camera_title(name: str) -> str:
    """Return the title that pages show for the camera of this name."""
    if "camera_titles" not in g:
        with current_site().sessions() as session:
            g.camera_titles = cameras.titles(session)
    titles: dict[str, str] = g.camera_titles
    return titles.get(name, name)


def percent(share: float | None) -> str:
    """Return two significant digits, never rounded to a comforting 0 % or 100 %."""
    if share is None:
        return "–"
    if share == 0 or share == 1:
        return f"{share:.0%}".replace("%", " %")
    value = share * 100
    if value < 0.0001:
        return "< 0.0001 %"
    if value > 99.9:
        return "> 99.9 %"
    digits = 0 if value >= 10 else 1 if value >= 1 else 2 if value >= 0.1 else 3 if value >= 0.01 else 4
    return f"{decimal(value, digits)} %"


def score(value: float | None) -> str:
    return "–" if value is None else decimal(value, 3)


def initials(name: str) -> str:
    words = name.split()
    return "".join(word[0] for word in ([words[0], words[-1]] if len(words) > 1 else words)).upper()
