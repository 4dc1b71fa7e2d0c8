"""Which consents a check-in needs, and how words are told apart."""

from __future__ import annotations

import pytest

from attendance.domain.passage import Method
from attendance.domain.people.consent import BOTH, Purpose, allows, version_of


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_face_needs_the_consent_to_its_purpose_and_nothing_else_does(purpose: Purpose) -> None:
    assert allows(Method.FACE, purpose, {purpose})
    assert not allows(Method.FACE, purpose, BOTH - {purpose})
    for method in (Method.PIN, Method.BADGE, Method.TERMINAL):
        assert allows(method, purpose, ())


def test_the_same_words_have_one_version_and_others_another() -> None:
    assert version_of("I agree.") == version_of("I agree.") != version_of("I agree!")
    assert len(version_of("")) == 12
