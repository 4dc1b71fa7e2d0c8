"""The page of look-alikes, and what a proxy in front of the site may claim."""

from __future__ import annotations

import numpy as np
from flask import request
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.domain.faces import Template
from attendance.service.people.look_alikes import refresh_all
from attendance.store.people import templates
from attendance.web.app import create_app
from tests.factories import MODEL, near, vector_of
from tests.site_fixtures import SETTINGS, Browser, Web


def place(web: Web, name: str, vector: NDArray[np.float32]) -> int:
    person = web.add(name)
    with web.sessions.begin() as session:
        templates.add_template(
            session, web.keys, person, Template(vector, MODEL), "upload", {}, None, at=web.clock.now()
        )
    return person


def test_without_a_threshold_it_says_what_to_do(admin: Browser) -> None:
    assert "No threshold is set" in admin.text("/look-alikes")


def test_pairs_are_shown_with_their_score_and_lead_to_both(web: Web, admin: Browser, viewer: Browser) -> None:
    web.set_threshold()
    assert "No look-alikes" in viewer.text("/look-alikes")
    anna = place(web, "Anna <Berg>", vector_of((1,)))
    bert = place(web, "Bert", near(vector_of((1,)), 0.6))
    place(web, "Cleo", vector_of((2,)))
    refresh_all(web.sessions, web.keys, MODEL, web.clock)

    page = viewer.text("/look-alikes?page=7")
    assert "Anna &lt;Berg&gt;" in page
    assert f'href="/people/{bert}"' in page
    assert "0.600" in page
    assert "above the threshold" in page
    assert "Cleo" not in page
    assert "Looks like" in admin.text(f"/people/{anna}")


def test_somebody_activated_again_is_compared_again(web: Web, admin: Browser) -> None:
    web.set_threshold()
    place(web, "Anna", vector_of((1,)))
    bert = place(web, "Bert", near(vector_of((1,)), 0.6))
    admin.submit(f"/people/{bert}/active", {"active": "no"})
    refresh_all(web.sessions, web.keys, MODEL, web.clock)
    assert "No look-alikes" in admin.text("/look-alikes")
    admin.submit(f"/people/{bert}/active", {"active": "yes"})
    assert "Bert" in admin.text("/look-alikes")


def seen_from(web: Web, proxies: int) -> str:
    """Which address the rate limits count, when a caller at 10.0.0.9 sends a header of its own."""
    settings = Settings.model_validate(
        SETTINGS.model_dump() | {"web": SETTINGS.web.model_dump() | {"trusted_proxies": proxies}}
    )
    app = create_app(settings, web.sessions, web.keys, web.analyser, web.clock)
    found: list[str] = []
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: found.append(str(request.remote_addr)))
    headers = {"X-Forwarded-For": "1.2.3.4, 192.0.2.7"}
    app.test_client().get("/login", headers=headers, environ_base={"REMOTE_ADDR": "10.0.0.9"})
    return found[0]


def test_what_callers_say_about_their_address_counts_only_behind_a_proxy(web: Web) -> None:
    assert seen_from(web, proxies=0) == "10.0.0.9"
    assert seen_from(web, proxies=1) == "192.0.2.7"
