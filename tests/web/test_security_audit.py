"""What operators do leaves an entry in the audit."""

from __future__ import annotations

from attendance.store.audit import entries
from tests.site_fixtures import Browser, Web


def test_acts_of_an_administrator_are_recorded_with_who_did_them(web: Web, admin: Browser) -> None:
    person = web.add("Anna Berg")
    admin.submit(f"/people/{person}/active", {"active": "no"})
    admin.submit(f"/people/{person}/active", {"active": "yes"})
    admin.submit(f"/people/{person}/delete", {})
    with web.sessions() as session:
        found = [(entry.action, entry.subject_kind, entry.subject_id) for entry in entries.list_entries(session)]
        actors = {(entry.actor_kind, entry.actor_name) for entry in entries.list_entries(session)}
    assert set(found) == {
        ("deactivate_person", "person", str(person)),
        ("activate_person", "person", str(person)),
        ("erase_person", "person", str(person)),
    }
    assert len(actors) == 1 and {kind for kind, _ in actors} == {"operator"}
