"""The site on a real database, with browsers that are signed in as administrator, as viewer, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from attendance.config import Settings
from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.service.enrolment.enrol import enrol_photo
from attendance.store.access import events
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import people
from attendance.store.privacy import consent
from attendance.store.session import Sessions
from attendance.store.tables.operators import Operator
from attendance.web.app import create_app
from attendance.web.security import limiter
from attendance.web.site import Site, site_of
from tests import factories
from tests.factories import MODEL, make_passage, make_photo
from tests.fakes import FakeAnalyser, FakeClock

PASSWORD = "correct horse battery"
# Noon UTC is 14:00 in this zone.
SETTINGS = Settings.model_validate(
    {"site": {"name": "Mill Lane", "timezone": "Europe/Berlin"}, "web": {"secret_key": "s" * 32, "max_upload_mb": 2}}
)


@dataclass
class Web:
    """The application, what it was given, and short ways to put people and passages into its database."""

    app: Flask
    sessions: Sessions
    keys: Keys
    analyser: FakeAnalyser
    clock: FakeClock

    @property
    def site(self) -> Site:
        return site_of(self.app)

    def browser(self, username: str | None = None, password: str = PASSWORD) -> Browser:
        browser = Browser(self.app.test_client())
        if username is not None:
            assert browser.submit("/login", {"username": username, "password": password}).status_code == 302
        return browser

    def add(self, name: str, agreed: bool = True, **columns: Any) -> int:
        with self.sessions.begin() as session:
            person = people.create_person(session, name=name, at=self.clock.now(), **columns)
            if agreed:
                consent.give_consent(session, person.id, "Yes.", at=self.clock.now())
        return person.id

    def enrol(self, person_id: int, colour: tuple[int, int, int]) -> None:
        with self.sessions.begin() as session:
            photo = make_photo(colour, "BMP")  # another file than the same face as PNG
            report = enrol_photo(session, self.keys, self.analyser, person_id, photo, "upload", self.clock)
        assert report.ok

    def passage(self, at: datetime = factories.NOON, person_id: int | None = None, **changes: Any) -> str:
        """Of a person: let in.  Of nobody: refused as unknown."""
        stranger = {"granted": False, "reason": Reason.UNKNOWN, "score": 0.2}
        values = {"direction": Direction.IN} | (stranger if person_id is None else {"person_id": person_id}) | changes
        passage = make_passage(at, **values)
        with self.sessions.begin() as session:
            events.record_passage(session, passage)
        return passage.id

    def set_threshold(self, threshold: float = 0.5, margin: float = 0.05, source: str = "card default") -> None:
        with self.sessions.begin() as session:
            operating_points.set_point(
                session,
                model_id=MODEL,
                threshold=threshold,
                margin=margin,
                source=source,
                gallery_size=2,
                at=self.clock.now(),
            )


class Browser:
    """A test client that fills the CSRF token into its forms, as a page's form would."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def text(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.status
        return answer.get_data(as_text=True)

    def token(self) -> str:
        page = self.client.get("/healthz-no-such-page").get_data(as_text=True)
        found = re.search(r'name="csrf-token" content="([^"]+)"', page)
        assert found
        return found[1]

    def submit(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        return self.client.post(path, data={**(data or {}), "csrf_token": self.token()}, **options)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class CompiledTemplates(BytecodeCache):
    """Each test makes an application of its own; a template is compiled once for all of them."""

    def __init__(self) -> None:
        self.compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.compiled:
            bucket.bytecode_from_string(self.compiled[bucket.key])  # which compares the source's checksum

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.compiled[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


@pytest.fixture(scope="session", autouse=True)
def compiled_routes() -> Iterator[None]:
    """Each application compiles its 130 routes anew, which takes as long as a test; here it is done once a worker.

    What is kept is the code that writes an address; it is told the route, with its converters, at each call.
    """
    kept: dict[tuple[Any, ...], Any] = {}
    compiled = Rule._compile_builder

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:
        defaults = tuple(sorted((rule.defaults or {}).items()))
        key = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes, defaults, append_unknown)
        if key not in kept:
            kept[key] = compiled(rule, append_unknown)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", compile_once)
        yield


@pytest.fixture
def web(sessions: Sessions, keys: Keys, clock: FakeClock, password_hash: str) -> Web:
    analyser = FakeAnalyser()
    app = create_app(SETTINGS, sessions, keys, analyser, clock)
    app.jinja_env.bytecode_cache = COMPILED
    app.testing = False  # errors become pages, as for users
    with sessions.begin() as session:
        for name, role in (("ada", "admin"), ("vera", "viewer")):
            session.add(
                Operator(username=name, password_hash=password_hash, role=role, active=True, created_at=clock.now())
            )
    limiter.reset()
    return Web(app, sessions, keys, analyser, clock)


@pytest.fixture
def admin(web: Web) -> Browser:
    return web.browser("ada")


@pytest.fixture
def viewer(web: Web) -> Browser:
    return web.browser("vera")


@pytest.fixture
def stranger(web: Web) -> Browser:
    return web.browser()


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Of PASSWORD, made once; with as little work in it as all hashes of the tests (`quick_hashes`)."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
