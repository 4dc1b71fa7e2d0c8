"""/operators and /password."""

from __future__ import annotations

from attendance.store.operators import operators
from tests.site_fixtures import PASSWORD, Browser, Web

NEW = "a quite different one"


def test_an_administrator_adds_a_viewer_who_can_sign_in(web: Web, admin: Browser) -> None:
    answer = admin.submit("/operators", {"username": "Walt", "password": NEW, "repeat": NEW})

    assert answer.status_code == 302
    walt = web.browser("walt", NEW)
    assert "viewer" in walt.text("/")
    assert walt.get("/operators").status_code == 403


def test_an_administrator_adds_an_administrator(web: Web, admin: Browser) -> None:
    admin.submit("/operators", {"username": "grace", "password": NEW, "repeat": NEW, "role": "admin"})

    assert web.browser("grace", NEW).get("/operators").status_code == 200


def test_mistakes_are_said_and_add_nobody(admin: Browser) -> None:
    taken = admin.submit("/operators", {"username": "vera", "password": NEW, "repeat": NEW})
    short = admin.submit("/operators", {"username": "walt", "password": "x", "repeat": "x"})

    assert taken.status_code == short.status_code == 400
    assert "taken" in taken.get_data(as_text=True)
    assert "walt" not in admin.text("/operators")


def test_a_deactivated_operator_is_out_at_once_and_can_come_back(web: Web, admin: Browser, viewer: Browser) -> None:
    admin.submit("/operators/2/active", {"active": "no"})
    assert viewer.get("/").status_code == 302
    admin.submit("/operators/2/active", {"active": "yes"})
    web.browser("vera")


def test_the_last_administrator_cannot_be_locked_out(admin: Browser) -> None:
    admin.submit("/operators/1/active", {"active": "no"})

    assert "last active administrator" in admin.text("/operators")


def test_an_operator_who_is_not_there_is_not_found(admin: Browser) -> None:
    assert admin.submit("/operators/99/active", {"active": "no"}).status_code == 404


def test_everybody_changes_their_own_password_and_only_other_sessions_end(web: Web, viewer: Browser) -> None:
    elsewhere = web.browser("vera")
    answer = viewer.submit("/password", {"present": PASSWORD, "password": NEW, "repeat": NEW})

    assert answer.status_code == 302
    assert "Your password is changed" in viewer.text("/")
    assert elsewhere.get("/").status_code == 302
    web.browser("vera", NEW)


def test_the_present_password_is_asked_for(web: Web, viewer: Browser) -> None:
    answer = viewer.submit("/password", {"present": "wrong", "password": NEW, "repeat": NEW})

    assert answer.status_code == 400
    assert "not your present password" in answer.get_data(as_text=True)
    web.browser("vera", PASSWORD)


def test_each_role_can_be_given_and_signs_in_to_a_page_that_it_may_see(web: Web, admin: Browser) -> None:
    first = {"enroller": "/people", "hr": None, "security_officer": None, "privacy_officer": "/people"}
    for role, page in (first | {"auditor": "/audit", "integration": "/attendance/reports"}).items():
        form = {"username": role, "password": NEW, "repeat": NEW, "role": role}
        assert admin.submit("/operators", form).status_code == 302
        answer = web.browser(role, NEW).get("/")
        assert (answer.status_code, answer.location) == ((200, None) if page is None else (302, page)), role


def test_once_there_is_an_owner_only_an_owner_appoints_or_changes_one(web: Web, admin: Browser) -> None:
    admin.submit("/operators", {"username": "olga", "password": NEW, "repeat": NEW, "role": "owner"})
    olga = web.browser("olga", NEW)
    with web.sessions() as session:
        number = next(one.id for one in operators.list_operators(session) if one.username == "olga")

    again = admin.submit("/operators", {"username": "otto", "password": NEW, "repeat": NEW, "role": "owner"})
    assert again.status_code == 400 and "only an owner" in again.text.lower()
    assert admin.submit(f"/operators/{number}", {"role": "viewer"}).status_code == 400
    admin.submit(f"/operators/{number}/active", {"active": "no"})
    assert olga.get("/operators").status_code == 200

    olga.submit("/operators/1/active", {"active": "no"})  # an owner is enough
    assert admin.get("/operators").status_code == 302
