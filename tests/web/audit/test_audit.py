"""The page Audit: words that an officer understands."""

from __future__ import annotations

from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject, Value
from tests.factories import NOON
from tests.site_fixtures import Browser, Web


def act(web: Web, action: Action, subject: Subject | None = None, **detail: Value) -> None:
    with web.sessions.begin() as session:
        audit.record(session, actor=Actor("operator", "ada"), action=action, at=NOON, subject=subject, detail=detail)


def test_what_was_exported_is_named_and_not_the_view_that_did_it(web: Web, admin: Browser) -> None:
    act(web, Action.EXPORT_DATA, page="report_pages.made_file")
    act(web, Action.CHANGE_DOOR_RULES, Subject("rules", 3), what="point")

    page = admin.text("/audit")

    assert "Exported personal data" in page
    assert "what: A report as a file" in page
    assert "change: camera or tablet moved here" in page
    assert "made_file" not in page
    assert '<option value="export_data">Exported personal data</option>' in page


def test_subjects_and_values_are_named(web: Web, admin: Browser) -> None:
    act(web, Action.CREATE_OPERATOR, Subject("operator", 1), role="privacy_officer")
    act(web, Action.START_LOCKDOWN, Subject("door", "all"), reason="<b>drill</b>")
    act(web, Action.APPLY_THRESHOLD, threshold=0.47123, source="card default", scoring=None)
    act(web, Action.END_SIGN_IN, Subject("operator", 404), all=True)
    act(web, Action.GIVE_CONSENT, Subject("person", "nobody"), purposes="access+attendance")

    page = admin.text("/audit")

    assert "operator ada" in page
    assert "role: privacy officer" in page
    assert "all doors" in page
    assert "reason: &lt;b&gt;drill&lt;/b&gt;" in page
    assert "threshold: 0.471 · source: the weights’ own threshold<" in page
    assert "operator 404" in page
    assert "everywhere: yes" in page
    assert "a person who was erased" in page
    assert "purposes: Access, Working time" in page


def test_an_act_of_a_later_version_is_shown_as_it_is_stored(web: Web, admin: Browser) -> None:
    with web.sessions.begin() as session:
        audit.entries.add_entry(
            session, entry_id="1", at=NOON, actor_kind="system", actor_name="later", action="fly_away",
            subject_kind="rocket", subject_id="9", detail={"fuel_left": 3},
        )  # fmt: skip

    page = admin.text("/audit")

    assert "fly away" in page
    assert "rocket 9" in page
    assert "fuel left: 3" in page
