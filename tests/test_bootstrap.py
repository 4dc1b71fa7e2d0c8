"""The start of a site with the shipped weights."""

from __future__ import annotations

from pathlib import Path

from attendance import bootstrap
from attendance.config import load_settings
from attendance.store.audit import entries


def test_the_cards_first_threshold_is_put_in_force_once_and_leaves_an_entry(tmp_path: Path) -> None:
    settings = load_settings(environ={"ATTENDANCE__DATABASE__URL": f"sqlite:///{tmp_path}/attendance.db"})
    bootstrap.set_up(settings)
    bootstrap.set_up(settings)
    with bootstrap.installation_for(settings).sessions() as session:
        (entry,) = entries.list_entries(session)
    assert (entry.actor_kind, entry.action, entry.detail["source"]) == ("system", "apply_threshold", "card default")
    assert 0 < entry.detail["threshold"] < 1
