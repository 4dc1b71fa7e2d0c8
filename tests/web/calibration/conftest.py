"""A gallery whose threshold came from a risk."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attendance.domain.faces import Template
from attendance.service.calibration import impostors
from attendance.service.calibration.impostors import Reference, Source
from attendance.store.calibration import operating_points
from attendance.store.people import people, templates
from tests.factories import MODEL, NOON, near
from tests.site_fixtures import SETTINGS, Browser, Web


@pytest.fixture
def calibrated(web: Web, tmp_path: Path) -> Web:
    """Sixteen people with two photos each, one with a third, poor one, and 1,500 strangers; the card said 0.9."""
    random = np.random.default_rng(5)
    dim, count = 32, 16

    def unit(rows: Any) -> Any:
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    with web.sessions.begin() as session:
        for number, first in enumerate(unit(random.normal(size=(count, dim)))):
            person = people.create_person(session, name=f"Person {number:02d}", at=NOON)
            for photo, cosine in enumerate((1.0, 0.8, 0.3) if number == 7 else (1.0, 0.8)):
                template = Template(near(first, cosine, seed=100 * number + photo), MODEL)
                templates.add_template(session, web.keys, person.id, template, "upload", {}, None, at=NOON)
    strangers = unit(random.normal(size=(1500, dim)))
    impostors.save(Reference(MODEL, strangers, (Source("made", "machine-made faces", 1500),)), tmp_path)
    settings = {"models": SETTINGS.models.model_copy(update={"weights_dir": str(tmp_path)})}
    web.app.extensions["attendance"].settings = SETTINGS.model_copy(update=settings)
    web.set_threshold(0.9)
    return web


def card_says_less(web: Web) -> None:
    """The card's own threshold is 0.3, and somebody set 0.9: an estimate from few people is never below the card's."""
    with web.sessions.begin() as session:
        for threshold, source in ((0.3, "card default"), (0.9, "administrator")):
            operating_points.set_point(
                session, model_id=MODEL, threshold=threshold, margin=0.05, source=source, gallery_size=16, at=NOON
            )


def form_of(browser: Browser, **values: Any) -> dict[str, Any]:
    """What the page's form would send."""
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', browser.text("/threshold"))
    assert seen
    return {"threshold": "0.5", "margin": "0.05", "reason": "", "seen": html.unescape(seen[1])} | values
