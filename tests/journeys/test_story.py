"""The whole line once, from a photo to a line in the day's report, with a colour for a face."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from attendance.domain.reason import Reason
from attendance.service.access import log
from attendance.service.operations import overview
from attendance.store.crypto import Keys
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import ANNA, BERT, NOBODY, STRANGER, make_photo
from tests.service.conftest import Site

UTC_ZONE = ZoneInfo("UTC")


def test_a_day_at_the_door(sessions: Sessions, keys: Keys) -> None:
    site = Site(sessions, keys)
    site.set_threshold()
    check_in = site.check_in()
    assert check_in.start() == []

    # Nobody is enrolled: whoever comes is refused.
    site.watch(check_in, ANNA)
    assert site.door.unlocked == []

    # Anna is enrolled from a photo, and a photo without a face is refused on the spot.
    anna = site.enrol("Anna", ANNA)
    with sessions.begin() as session:
        assert site.enrol_photo(session, anna, make_photo(NOBODY)).reason is Reason.NO_FACE

    # She passes; a stranger does not; she comes back at once, which counts once.
    site.watch(check_in, NOBODY, seconds=5)
    (entered,) = site.watch(check_in, ANNA)
    site.watch(check_in, NOBODY, seconds=5)
    (refused,) = site.watch(check_in, STRANGER)
    site.watch(check_in, NOBODY, seconds=5)
    (returned,) = site.watch(check_in, ANNA)
    assert [one.decision.reason for one in (entered, refused, returned)] == [
        Reason.MATCHED,
        Reason.UNKNOWN,
        Reason.MATCHED,
    ]
    assert returned.passage is not None and entered.passage is not None
    assert (returned.repeat, returned.passage.repeat_of) == (True, entered.passage.id)
    assert len(site.door.unlocked) == 2

    # The door breaks: Bert is written down, the door's failure too.
    site.enrol("Bert", BERT)
    site.door.break_down()
    site.watch(check_in, NOBODY, seconds=5)
    site.watch(check_in, BERT)
    assert [(view.person_name, view.door) for view in site.log()][:1] == [("Bert", "failed")]

    # The daemon starts again on the same database and goes on where it was.
    site.door.broken = None
    again = replace(site).check_in()
    assert again.start() == []
    site.watch(again, NOBODY, seconds=40)
    (evening,) = site.watch(again, ANNA)
    assert not evening.repeat

    # Anna withdraws her consent: she is erased, and refused from now on.
    with sessions.begin() as session:
        people.delete_person(session, anna, at=site.clock.now())
    site.watch(again, NOBODY, seconds=40)
    (erased,) = site.watch(again, ANNA)
    assert erased.decision.reason is Reason.UNKNOWN

    # The day as the admin sees it.
    with sessions() as session:
        today, _ = overview.overview_today(session, UTC_ZONE, site.clock.now())
        lines = list(log.passages_csv(log.all_passages(session), UTC_ZONE))
    assert [one.name for one in today.present] == ["Bert"]
    assert (today.granted, today.denied) == (3, 3)
    assert today.denials == {Reason.EMPTY_GALLERY: 1, Reason.UNKNOWN: 2}
    assert len(lines) == 1 + 7
    assert "Anna" not in "".join(lines)
