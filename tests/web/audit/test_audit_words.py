"""Views of personal data are named on the page Audit."""

from __future__ import annotations

from attendance.web.audit.audit_words import PAGES
from attendance.web.security import PERSONAL, needed_permission
from tests.site_fixtures import Web


def test_every_page_of_personal_data_is_named(web: Web) -> None:
    personal = {
        rule.endpoint
        for rule in web.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and needed_permission(web.app.view_functions[rule.endpoint], "GET") in PERSONAL
    }

    assert set(PAGES) == personal
