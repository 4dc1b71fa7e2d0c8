"""Probes attack this computer only, and a probe that finds nobody is not a success of the site."""

from __future__ import annotations

import pytest

from attendance.errors import UserError
from attendance.programs.probes.attack import Finding, Probe, Target, attempt, target_of
from tests.cli.operations.programs import free_port


@pytest.mark.parametrize("url", ["http://example.org:8000", "https://127.0.0.1:8000", "http://127.0.0.1", "x"])
def test_only_this_computer_is_attacked(url: str) -> None:
    with pytest.raises(UserError, match="give an address of this computer"):
        target_of(url)


def test_an_address_of_this_computer_is_taken() -> None:
    assert target_of("http://127.0.0.1:8000/") == Target("127.0.0.1", 8000)
    assert target_of("localhost:80") == Target("localhost", 80)


def test_a_site_that_does_not_answer_did_not_hold() -> None:
    probe = Probe("x", "Ask.", lambda target: Finding(True, str(target.client().get("/").status)), scratch=False)

    assert attempt(probe, Target("127.0.0.1", free_port())).held is False


def test_what_needs_a_scratch_site_is_not_tried_on_another() -> None:
    probe = Probe("x", "Write.", lambda target: Finding(True, target.known.pin))

    assert attempt(probe, Target("127.0.0.1", free_port())).held is None
