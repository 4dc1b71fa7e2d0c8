"""The screen beside a camera: what its daemon decided, by server-sent events.

In: a paired screen.  Out: its page; a stream of `Answer`s.
Does not know: the daemon (`service/kiosk/screen.py` reads what it recorded).
Main choice: a stream keeps one of the server's threads, so there are no more than `kiosk.max_streams`
of them, each for some minutes; a browser that comes when all are taken gets the news in one short
answer and comes again, which is slower by seconds and never refused.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict

from flask import Flask, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from attendance.service.ids import made_at
from attendance.service.kiosk.screen import Screen
from attendance.texts import gettext as _
from attendance.web.kiosk import texts
from attendance.web.kiosk.tablet import EXTENSION, Parts, blueprint, current_device, device_of, locale_tag, the_parts
from attendance.web.security import KIOSK_COOKIE
from attendance.web.site import Site, current_site

EVERY_S = 0.3
LONGEST_S = 300.0
CHECK_S = 5.0  # whether the screen was revoked
_RETRY_MS, _RETRY_FULL_MS = 1000, 3000


@blueprint.get("/screen")
def screen() -> ResponseReturnValue:
    device, site = current_device(), current_site()
    if device.screen_of is None:
        return redirect(url_for("kiosk.page"))
    return render_template(
        "kiosk/screen.html",
        terminal=device.terminal,
        camera=device.screen_of,
        zone=site.settings.site.timezone,
        locale=locale_tag(site),
        texts=texts.translated(texts.SCREEN),
    )


@blueprint.get("/stream")
def stream() -> ResponseReturnValue:
    device, site, streams = current_device(), current_site(), the_parts().streams
    if device.screen_of is None:
        return {
            "ok": False,
            "words": _("This device is not a screen"),
            "advice": _("Pair it as the screen of a camera."),
        }, 409
    shown = Screen(site.sessions, site.clock, site.zone, device.screen_of, _last_id())
    live = streams.acquire(blocking=False)
    token = request.cookies[KIOSK_COOKIE]
    body = _live(site, shown, token, the_parts().closing) if live else _once(shown)
    response = Response(body, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    if live:
        response.call_on_close(streams.release)  # also when the browser went before the first line
    return response


def end_streams(app: Flask) -> None:
    """End all streams before the server stops, which would wait for their threads."""
    parts = app.extensions[EXTENSION]
    assert isinstance(parts, Parts)
    parts.closing.set()


def _live(site: Site, shown: Screen, token: str, closing: threading.Event) -> Iterator[str]:
    yield f"retry: {_RETRY_MS}\n\n"
    begun = checked = time.monotonic()
    while (now := time.monotonic()) - begun < LONGEST_S:
        yield from _news(shown)
        yield ":\n\n"  # a sign of life: the server notices by it that the browser is gone
        if now - checked >= CHECK_S:
            checked = now
            if device_of(site, token) is None:
                yield "event: gone\ndata: {}\n\n"
                return
        if closing.wait(EVERY_S):
            return


def _once(shown: Screen) -> Iterator[str]:
    yield f"retry: {_RETRY_FULL_MS}\n\n"
    yield from _news(shown)


def _news(shown: Screen) -> Iterator[str]:
    if (guidance := shown.guidance()) is not None:
        yield f"data: {json.dumps(asdict(guidance))}\n\n"
    for passage_id, answer in shown.news():
        yield f"id: {passage_id}\ndata: {json.dumps(asdict(answer))}\n\n"


def _last_id() -> str:
    """Return the id that the browser saw last, as it says after a break; "" for anything else."""
    text = request.headers.get("Last-Event-ID", "")
    try:
        made_at(text)
    except ValueError:
        return ""
    return text.lower()
