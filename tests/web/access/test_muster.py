"""/muster: the page, a tick from a phone that had no network, files, who may."""

from __future__ import annotations

from datetime import timedelta

from attendance.domain.passage import Direction
from attendance.store.access import musters
from tests.factories import NOON
from tests.site_fixtures import Browser, Web


def test_a_muster_is_begun_ticked_and_ended(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.passage(NOON - timedelta(hours=2), anna, direction=Direction.IN)
    assert "Anna Berg" in admin.text("/muster")
    assert admin.get("/attendance/reports/presence").location == "/muster"

    admin.submit("/muster/begin")
    with web.sessions() as session:
        begun = musters.current(session)
    assert begun is not None
    web.clock.advance(600)
    path = f"/muster/{begun.id}/tick"
    headers = {"Accept": "application/json"}
    answer = admin.submit(path, {"key": f"person-{anna}", "safe": "y", "ago": "120"}, headers=headers)
    assert answer.json is not None and answer.json["ok"]
    with web.sessions() as session:
        [row] = musters.rows(session, begun.id)
    assert (row.safe_by, row.safe_at) == ("ada", web.clock.now() - timedelta(seconds=120))
    state = admin.get("/muster/state").json
    assert state is not None
    assert state["ticked"].keys() == {f"person-{anna}"}

    assert admin.submit(path, {"key": "person-999", "safe": "y"}, headers=headers).status_code == 409
    assert "ada" in admin.text("/muster/list.csv")
    page = admin.submit(f"/muster/{begun.id}/end", follow_redirects=True).get_data(as_text=True)
    assert "The muster is over. 0 not met." in page
    late = admin.submit(path, {"key": f"person-{anna}", "safe": "n"}, headers=headers)
    assert late.status_code == 409
    assert b"".join(admin.get("/muster/list.pdf").response).startswith(b"%PDF")


def test_a_viewer_reads_the_list_and_cannot_tick(web: Web, viewer: Browser) -> None:
    assert "Begin a muster" not in viewer.text("/muster")
    assert viewer.submit("/muster/begin").status_code == 403
