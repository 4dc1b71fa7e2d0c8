"""What operators do leaves an entry in the audit."""

from __future__ import annotations

from attendance.store.audit import entries
from attendance.store.operators import operators
from attendance.store.privacy import erasures
from attendance.store.slow_hash import SecretHash
from tests.factories import NOON
from tests.site_fixtures import Browser, Web


def add(web: Web) -> tuple[int, str]:
    """Add Anna; the audit knows her by the random id."""
    person = web.add("Anna Berg")
    with web.sessions() as session:
        uid = erasures.uid_of(session, person)
    assert uid is not None
    return person, uid


def test_acts_of_an_administrator_are_recorded_with_who_did_them(web: Web, admin: Browser) -> None:
    person, uid = add(web)
    admin.submit(f"/people/{person}/active", {"active": "no"})
    admin.submit(f"/people/{person}/active", {"active": "yes"})
    admin.submit(f"/people/{person}/delete", {})
    with web.sessions() as session:
        found = [(entry.action, entry.subject_kind, entry.subject_id) for entry in entries.list_entries(session)]
        actors = {(entry.actor_kind, entry.actor_name) for entry in entries.list_entries(session)}
    assert set(found) == {
        ("deactivate_person", "person", uid),
        ("activate_person", "person", uid),
        ("erase_person", "person", uid),
    }
    assert len(actors) == 1 and {kind for kind, _ in actors} == {"operator"}


def test_consent_and_an_operators_account_leave_entries(web: Web, admin: Browser) -> None:
    person, uid = add(web)
    admin.submit(f"/people/{person}/consent/withdraw", {})
    admin.submit(f"/people/{person}/consent", {"text": "Yes.", "agreed": "y", "access": "y", "language": "en"})
    with web.sessions.begin() as session:
        operator = operators.create_operator(session, "sue", SecretHash("$argon2id$"), role="viewer", at=NOON).id
    admin.submit(f"/operators/{operator}/active", {"active": "no"})
    admin.submit(f"/operators/{operator}/active", {"active": "yes"})
    with web.sessions() as session:
        found = {(entry.action, entry.subject_id) for entry in entries.list_entries(session)}
    assert found >= {
        ("withdraw_consent", uid),
        ("give_consent", uid),
        ("deactivate_operator", str(operator)),
        ("activate_operator", str(operator)),
    }


def test_the_first_operator_of_the_setup_leaves_an_entry(web: Web) -> None:
    with web.sessions.begin() as session:
        token = operators.issue_token(session, at=web.clock.now())
    form = {"token": token, "username": "owen", "password": "a long enough password"}
    answer = web.browser().submit("/setup", form | {"repeat": form["password"]})
    assert answer.status_code == 302
    with web.sessions() as session:
        (entry,) = entries.list_entries(session)
    assert (entry.actor_name, entry.action, entry.detail) == ("owen", "create_operator", {"role": "admin"})
