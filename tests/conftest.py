"""What many tests start from: a real SQLite file with the real schema, and a master key."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

# Before PyTorch is loaded: its threads spin while they wait for each other, which on a busy computer
# turns seconds into minutes.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from sqlalchemy import Engine

from attendance.store import migrate, session
from attendance.store.crypto import Keys
from attendance.store.session import Sessions


@pytest.fixture(scope="session")
def blank_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upgraded, empty database, made once; tests work on copies."""
    path = tmp_path_factory.mktemp("database") / "blank.db"
    engine = session.make_engine(f"sqlite:///{path}")
    migrate.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def database(blank_database: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(blank_database, tmp_path / "attendance.db"))


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    engine = session.make_engine(f"sqlite:///{database}", busy_timeout_ms=200)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    return session.sessions(engine)


@pytest.fixture
def keys() -> Keys:
    return Keys(bytes(range(32)))
