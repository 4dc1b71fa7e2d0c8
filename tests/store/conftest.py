"""An empty database before a revision, for the tests of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.store.revisions import taken_to


@pytest.fixture(params=["sqlite", "postgresql"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The database at the revision that the test's module names as BEFORE."""
    with taken_to(request.module.BEFORE, request, tmp_path) as engine:
        yield engine
