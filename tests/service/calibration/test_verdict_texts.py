"""Every verdict has a name and a sentence of its own."""

from __future__ import annotations

from attendance.domain.calibration.risk import Verdict
from attendance.service.calibration.verdict_texts import verdict_name, verdict_sentence


def test_every_verdict_has_its_name_and_its_sentence() -> None:
    sentences = [verdict_sentence(verdict) for verdict in Verdict]

    assert len(set(sentences)) == len(sentences)
    assert all(sentence.endswith(".") for sentence in sentences)
    assert len({verdict_name(verdict) for verdict in Verdict}) == len(Verdict)


def test_a_stored_verdict_has_the_name_of_its_value() -> None:
    assert [verdict_name(verdict.value) for verdict in Verdict] == [verdict_name(verdict) for verdict in Verdict]
    assert verdict_name("of a later version") == "of a later version"
