"""What many tests start from: a real SQLite file with the real schema, and a master key."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before PyTorch is loaded: its threads spin while they wait for each other, which on a busy computer
# turns seconds into minutes.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from attendance.store import migrate, session, slow_hash
from attendance.store.crypto import Keys
from attendance.store.session import Sessions
from tests import writing
from tests.postgres import Server, let_everybody_pass, running_server

# The site with its browsers: fixtures for the tests of pages, wherever they lie.
pytest_plugins = ["tests.site_fixtures"]

# «auto» would load a second runtime in each program that a test starts.
os.environ.setdefault("ATTENDANCE__MODELS__RUNTIME", "onnxruntime")

# The same examples at every run, so that a change is judged by what it changes.  New ones are looked
# for on purpose: `pytest --hypothesis-profile=explore`.
hypothesis.settings.register_profile("same", max_examples=40, derandomize=True, deadline=None)
hypothesis.settings.register_profile("long", max_examples=400, derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", max_examples=2000, deadline=None)
hypothesis.settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """The same hash with the least work in it: hundreds of tests sign somebody in, and none depends on that work.

    That programs outside this process, such as the site's, hash slowly is looked at here, once a worker.
    """
    with pytest.MonkeyPatch.context() as patch:
        assert slow_hash._hasher.memory_cost >= 65_536  # KiB, as RFC 9106 has it
        assert slow_hash._hasher.time_cost >= 3
        writing.watch()
        patch.setattr(slow_hash, "_hasher", writing.QuickHasher())
        slow_hash._nobodys_hash.cache_clear()
        yield
    slow_hash._nobodys_hash.cache_clear()


@pytest.fixture(autouse=True)
def nothing_written_yet() -> None:
    writing.forget()


@pytest.fixture(scope="session")
def blank_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upgraded, empty database, made once; tests work on copies.  Whoever is added passes its one door."""
    path = tmp_path_factory.mktemp("database") / "blank.db"
    engine = session.make_engine(f"sqlite:///{path}")
    migrate.upgrade(engine)
    let_everybody_pass(engine)
    engine.dispose()
    return path


@pytest.fixture
def database(blank_database: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(blank_database, tmp_path / "attendance.db"))


# Whatever these ask of a database, they ask of both; the others need SQLite's file, or no database in particular.
ON_POSTGRESQL_TOO = {
    "tests.store.alarms.test_alarms",
    "tests.store.alarms.test_outbox",
    "tests.store.cameras.test_cameras",
    "tests.store.privacy.test_consent",
    "tests.service.access.test_recording",
    "tests.service.audit.test_audit",
    "tests.service.calibration.test_auto_tighten",
    "tests.service.enrolment.test_confirmed",
    "tests.service.enrolment.test_growing",
    "tests.service.people.test_growth",
    "tests.service.privacy.test_erasure_grown",
    "tests.store.access.test_events",
    "tests.store.kiosk.test_devices",
    "tests.store.people.test_credentials",
    "tests.store.people.test_pins",
    "tests.store.people.test_templates",
    "tests.store.people.test_look_alikes",
    "tests.store.calibration.test_operating_points",
    "tests.store.operators.test_operators",
    "tests.store.people.test_people",
    "tests.store.operators.test_department_scope",
    "tests.security.test_at_once",
    "tests.security.test_doors",
    "tests.journeys.test_story",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames and metafunc.module.__name__ in ON_POSTGRESQL_TOO:
        metafunc.parametrize("engine", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL of our own for the whole run; skips where there is none."""
    with running_server() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest one first: at the end, all other workers would wait for the one that has it."""
    items.sort(key=lambda item: item.name != "test_the_whole_line_from_a_photo_to_a_refused_stranger")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays for the whole run: a sixth of the time went into looking through it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def compiled_statements() -> Iterator[None]:
    """Each engine compiles its statements anew, which takes as long as a quick test; here it is done once a worker.

    SQLAlchemy keeps a statement under its dialect: those of one class and options are the same here.
    """
    kept: LRUCache[Any, Any] = LRUCache(10_000)

    def keep(dialect: DefaultDialect) -> Any:
        return type(dialect), dialect.server_version_info

    def sharing(engine: Engine, *values: Any, **options: Any) -> None:
        make(engine, *values, **options)
        engine._compiled_cache = kept

    make = Engine.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DefaultDialect, "__hash__", lambda dialect: hash(keep(dialect)))
        patch.setattr(DefaultDialect, "__eq__", lambda dialect, other: keep(dialect) == keep(other))
        patch.setattr(Engine, "__init__", sharing)
        yield


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Of an upgraded, empty database: SQLite's unless the test asks for PostgreSQL."""
    if getattr(request, "param", "sqlite") == "sqlite":
        engine = session.make_engine(f"sqlite:///{request.getfixturevalue('database')}", busy_timeout_ms=200)
        yield engine
        engine.dispose()
        return
    with request.getfixturevalue("postgres").emptied() as url:
        engine = session.make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    return session.sessions(engine)


@pytest.fixture
def keys() -> Keys:
    return Keys(bytes(range(32)))
