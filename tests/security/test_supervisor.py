"""A supervisor: the working time of the own departments, their corrections, and nothing else."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from flask import g

from attendance.domain.hours.shift import Shift, Span
from attendance.domain.passage import Direction
from attendance.service.hours import corrections as stored_corrections
from attendance.service.hours import planning
from attendance.service.hours.leave import requests
from attendance.store.hours import corrections, rosters
from attendance.store.operators import operators
from attendance.store.tables.operators import Operator
from attendance.web.site import current_site
from tests.factories import NOON
from tests.security.conftest import copy_of
from tests.site_fixtures import PASSWORD, Browser, Web

DAY = NOON.date()
FRIDAY = DAY - timedelta(days=3)
REPORTS = ("daily", "register", "timesheet", "lateness", "absence", "overtime", "presence")


@pytest.fixture
def departments(web: Web) -> dict[str, int]:
    """Anna of the Lab, Zelda of the Shop and Quirin of no department, each with everything that a page could tell."""
    ids = {
        "Anna Berg": web.add("Anna Berg", department="Lab", staff_number="7"),
        "Zelda Other": web.add("Zelda Other", department="Shop", staff_number="8"),
        "Quirin Loner": web.add("Quirin Loner", staff_number="9"),
    }
    zone = web.app.extensions["attendance"].zone
    with web.sessions.begin() as session:
        shift = planning.save_shift(session, Shift("Office", (Span(540, 1020),)), now=NOON)
        week = [shift.id] * 5 + [None] * 2
        planning.assign(session, list(ids.values()), date(2024, 4, 1), None, week, now=NOON, by="ada")
        for person_id in ids.values():
            requests.add_leave(
                session, person_id=person_id, kind="vacation", first=DAY + timedelta(days=2),
                last=DAY + timedelta(days=3), now=NOON, by="ada", approved=True,
            )  # fmt: skip
    for person_id in ids.values():
        web.passage(NOON - timedelta(hours=5), person_id, direction=Direction.IN)
        web.passage(NOON - timedelta(days=3, hours=4), person_id, direction=Direction.IN)
        with web.sessions.begin() as session:
            stored_corrections.request_correction(
                session, person_id=person_id, action="add", at=NOON - timedelta(days=3), direction=Direction.OUT,
                reason="Forgot.", by="self-service", now=NOON, zone=zone,
            )  # fmt: skip
    return ids


@pytest.fixture
def lab(web: Web, departments: dict[str, int], password_hash: str) -> Browser:
    with web.sessions.begin() as session:
        made = Operator(username="lars", password_hash=password_hash, role="viewer", active=True, created_at=NOON)
        session.add(made)
        session.flush()
        operators.set_role(session, made.id, "supervisor", departments=["Lab"])
    return web.browser("lars")


def correction_of(web: Web, person_id: int) -> str:
    with web.sessions() as session:
        return corrections.corrections(session, person_id=person_id)[0].id


def state_of(web: Web, correction: str) -> str:
    with web.sessions() as session:
        return corrections.get_correction(session, correction).state


def every_address(web: Web, ids: list[int], correction: str) -> list[str]:
    """Every page and file of the site, for each of these people."""
    found = []
    for rule in web.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in ("static", "bootstrap.static"):
            continue
        for person_id in ids:
            path = rule.rule.replace("<int:person_id>", str(person_id)).replace("<day>", FRIDAY.isoformat())
            path = path.replace("<correction_id>", correction)
            for name in REPORTS if "<name>" in path else ("",):
                for kind in ("csv", "ics") if "<kind>" in path else ("",):
                    one = path.replace("<name>", name).replace("<kind>", kind).replace("<form>", "zk")
                    found.append(re.sub(r"<[^>]+>", "1", one))
    return sorted(set(found))


def test_no_page_and_no_file_tells_of_another_team(web: Web, departments: dict[str, int], lab: Browser) -> None:
    others = [departments["Zelda Other"], departments["Quirin Loner"]]
    named = 0
    for path in every_address(web, others, correction_of(web, others[0])):
        ways = (
            ["", "?department=Shop", f"?person={others[0]}", "?state=all"] if path.startswith("/attendance") else [""]
        )
        for way in ways:
            answer = lab.get(path + way)
            text = answer.get_data(as_text=True)
            assert "Zelda" not in text and "Quirin" not in text, path + way
            named += "Anna Berg" in text

    assert named > 20  # it is not that nothing is told


def test_the_own_team_is_seen_in_full(web: Web, departments: dict[str, int], lab: Browser) -> None:
    assert lab.get("/").location == "/attendance"
    for path in ("/attendance?show=all", "/attendance/calendar", "/attendance/corrections", "/attendance/leave"):
        assert "Anna Berg" in lab.text(path), path
    assert "closed at the end" in lab.text(f"/attendance/person/{departments['Anna Berg']}/{FRIDAY}")
    assert lab.get("/attendance/reports/register.xlsx").data.startswith(b"PK")


def test_doors_people_and_rules_are_none_of_theirs(lab: Browser) -> None:
    paths = (
        "/people", "/people/1", "/people/new", "/log", "/log/log.csv", "/threshold", "/cameras", "/operators",
        "/attendance/rosters", "/attendance/periods",
    )  # fmt: skip
    assert {path: lab.get(path).status_code for path in paths} == dict.fromkeys(paths, 403)


def test_a_supervisor_changes_nothing_but_decisions_and_the_own_password(
    web: Web, departments: dict[str, int], lab: Browser
) -> None:
    may = {
        "corrections.decide", "corrections.decide_chosen", "leave.add", "leave.decide", "operators.password",
        "auth.sign_in", "auth.setup", "auth.logout", "sign_ins.end",
        "report_pages.stop_making", "auth.code", "proof.check", "second_factor.begin", "second_factor.confirm",
        "second_factor.renew_codes", "second_factor.remove", "passkeys.options", "passkeys.sign_in",
        "passkeys.new_options", "passkeys.add", "passkeys.rename", "passkeys.remove",
        "muster.begin", "muster.tick", "muster.end",
    }  # fmt: skip
    for rule in web.app.url_map.iter_rules():
        if (
            "POST" in (rule.methods or ())
            and rule.endpoint not in may
            and not rule.endpoint.startswith(("me.", "kiosk."))
        ):
            path = re.sub(r"<[^>]+>", "1", rule.rule)
            assert lab.submit(path, {"name": "x", "active": "no"}).status_code == 403, path


def test_a_correction_of_the_own_team_is_decided_and_taken_back(
    web: Web, departments: dict[str, int], lab: Browser
) -> None:
    row = correction_of(web, departments["Anna Berg"])

    lab.submit(f"/attendance/corrections/{row}", {"what": "approve"})
    assert state_of(web, row) == "approved"
    day = lab.text(f"/attendance/person/{departments['Anna Berg']}/{FRIDAY}")
    assert "approved by lars" in day
    assert "self-service" in day  # the request stays beside the decision

    lab.submit(f"/attendance/corrections/{row}", {"what": "withdraw"})
    assert state_of(web, row) == "withdrawn"


def test_another_teams_correction_looks_as_if_there_were_none(
    web: Web, departments: dict[str, int], lab: Browser
) -> None:
    for who in ("Zelda Other", "Quirin Loner"):
        row = correction_of(web, departments[who])
        for what in ("approve", "refuse", "withdraw"):
            answer = lab.submit(f"/attendance/corrections/{row}", {"what": what}, follow_redirects=True)

            assert "There is no such correction" in answer.get_data(as_text=True)
            assert state_of(web, row) == "requested"


@pytest.mark.parametrize("role", ["supervisor", "admin"])
def test_nobody_decides_about_themselves(
    web: Web, departments: dict[str, int], lab: Browser, admin: Browser, role: str
) -> None:
    row, browser, number = correction_of(web, departments["Anna Berg"]), lab, 3
    if role == "admin":
        browser, number = admin, 1
    with web.sessions.begin() as session:
        operators.set_role(session, number, role, departments=["Lab"], person_id=departments["Anna Berg"])  # type: ignore[arg-type]
    assert "This is yours: another operator decides it." in browser.text("/attendance/corrections")

    answer = browser.submit(f"/attendance/corrections/{row}", {"what": "approve"}, follow_redirects=True)

    assert "Nobody decides about themselves" in answer.get_data(as_text=True)
    assert state_of(web, row) == "requested"


def test_an_administrator_who_is_that_person_cannot_approve_at_once(
    web: Web, departments: dict[str, int], admin: Browser
) -> None:
    anna = departments["Anna Berg"]
    with web.sessions.begin() as session:
        operators.set_role(session, 1, "admin", person_id=anna)
    form = {"action": "add", "at": "08:00", "direction": "in", "reason": "Was there.", "approve": "yes"}
    answer = admin.submit(f"/attendance/person/{anna}/{FRIDAY}/correct", form, follow_redirects=True)

    assert "Nobody decides about themselves" in answer.get_data(as_text=True)
    with web.sessions() as session:
        assert len(corrections.corrections(session, person_id=anna)) == 1  # nothing was half done


def test_an_administrator_makes_a_supervisor_and_changes_the_teams(
    web: Web, departments: dict[str, int], admin: Browser
) -> None:
    form = {"username": "sue", "password": PASSWORD, "repeat": PASSWORD, "role": "supervisor"}
    assert "choose one or more" in admin.submit("/operators", form).get_data(as_text=True)
    admin.submit("/operators", form | {"departments": ["Shop"]})
    sue = web.browser("sue")
    assert "Zelda Other" in sue.text("/attendance?show=all")
    page = admin.text("/operators")
    assert "supervisor" in page and "Shop" in page

    admin.submit(
        "/operators/3",
        {"role": "supervisor", "departments": ["Lab", "Shop"], "person": str(departments["Zelda Other"])},
    )
    assert sue.get("/attendance").status_code == 302  # another role or department ends what was begun with the old one
    sue = web.browser("sue")
    both = sue.text("/attendance?show=all")
    assert "Zelda Other" in both and "Anna Berg" in both
    admin.submit("/operators/3", {"role": "viewer", "person": ""})
    sue = web.browser("sue")
    assert "Quirin Loner" in sue.text("/people")


def test_the_last_administrator_keeps_the_role(admin: Browser) -> None:
    answer = admin.submit("/operators/1", {"role": "viewer", "person": ""})

    assert answer.status_code == 400
    assert "last active administrator" in answer.get_data(as_text=True)
    assert admin.get("/operators/99").status_code == 404


def test_without_a_team_left_a_supervisor_sees_nobody(web: Web, departments: dict[str, int], lab: Browser) -> None:
    with web.sessions.begin() as session:
        session.delete(session.get_one(operators.OperatorDepartment, (3, "Lab")))

    assert "Anna Berg" not in lab.text("/attendance?show=all")


def test_what_is_written_after_the_request_still_holds_the_own_team_only(web: Web, departments: dict[str, int]) -> None:
    """As a long file is: its lines are made when the view has long returned."""
    with web.app.test_request_context("/"):
        g.departments = frozenset({"Lab"})
        site = current_site()

    with site.sessions() as session:
        assert [one.name for one in rosters.list_staff(session)] == ["Anna Berg"]


def test_their_sign_outs_end_sign_ins_as_everybodys_do(web: Web, lab: Browser) -> None:
    """Sign-ins hold a person, too, but of an operator's none: the cut by department once hid them all."""
    phone, thief = web.browser("lars"), copy_of(web, lab)
    assert lab.text("/sign-ins").count("127.0.0.1") == 2
    lab.submit("/sign-ins/end")
    assert (lab.get("/attendance").status_code, phone.get("/attendance").status_code) == (200, 302)

    lab.submit("/logout")

    assert thief.get("/attendance").location.startswith("/login")


def test_a_muster_that_a_supervisor_begins_and_ends_is_that_of_the_whole_site(
    web: Web, departments: dict[str, int], lab: Browser, admin: Browser
) -> None:
    lab.submit("/muster/begin")
    web.clock.advance(60)
    web.passage(web.clock.now(), departments["Zelda Other"], direction=Direction.OUT)
    web.clock.advance(60)

    page = admin.text("/muster")
    assert "Zelda Other" in page  # whoever is seen leaving stays on the list until somebody ticks them
    assert "Seen leaving since" in page
    assert "Zelda Other" not in lab.text("/muster")
    over = lab.submit("/muster/1/end", follow_redirects=True).get_data(as_text=True)
    assert "The muster is over. 3 not met." in over
