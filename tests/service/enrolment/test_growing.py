"""Templates that grow: a face and the person's own PIN, proven together at a door that asks for both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from attendance.domain.access.liveness.fusion import Judgement, Policy, Verdict
from attendance.domain.faces import Frame, Probe, Template
from attendance.domain.passage import Direction, Method
from attendance.domain.people.consent import Purpose
from attendance.domain.reason import Reason
from attendance.service.access.check_in import CheckIn, Outcome
from attendance.service.access.liveness.gate import Ruling
from attendance.service.access.policy import door_rows
from attendance.service.enrolment.growing import WAITS, Growing, SeenFaces
from attendance.service.kiosk.kiosk import Kiosk
from attendance.service.kiosk.terminals import Terminal
from attendance.service.people.growth import GrowthRules, ready, settle, with_ready
from attendance.store.audit import entries
from attendance.store.cameras import cameras
from attendance.store.people import grown, people, templates
from attendance.store.people.grown import GrownTemplate
from attendance.store.privacy import consent
from attendance.store.session import Sessions
from attendance.store.tables.people import PinProof
from tests.factories import ANNA, BERT, MODEL, make_frame, make_photo, make_template, near, vector_of
from tests.fakes import FakeAnalyser
from tests.service.access.doors.asking import ZONE, ask
from tests.service.conftest import Site

TWO = [{"sets": [["face", "pin"], ["badge", "pin"]], "schedule": None}]
RULES = GrowthRules(quarantine=timedelta(days=7), most=2, every=timedelta(days=1), at_once=1)


class Changed:
    """The fake analyser, whose faces have other vectors at the cosine `like` from the enrolled ones."""

    def __init__(self, inner: FakeAnalyser) -> None:
        self.inner, self.model_id, self.timings = inner, inner.model_id, inner.timings
        self.like, self.seed, self.sees = 0.8, 1, dict[tuple[float, ...], Template]()

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        probes = self.inner.analyse(frame, max_faces)
        return [
            replace(one, template=Template(near(one.template.vector, self.like, self.seed), MODEL))
            for one in probes if one.template is not None
        ]  # fmt: skip


@dataclass
class Vault:
    """Anna (1) and Bert (2) at a door that asks for face and PIN, with a camera and a tablet on one side."""

    site: Site
    analyser: Changed = field(init=False)
    growing: Growing = field(init=False)
    seen: SeenFaces = field(init=False)
    judge: CheckIn = field(init=False)

    def __post_init__(self) -> None:
        site = self.site
        self.analyser = Changed(site.analyser)
        self.growing = Growing(site.sessions, site.keys, site.clock, RULES, ZONE, "daemon")
        seen = self.seen = SeenFaces(self.analyser, self.growing)
        self.judge = CheckIn(site.sessions, site.keys, seen, site.door, site.clock, site.rules, notice=seen.hear)
        self.judge.start()

    def agree(self, person_id: int = 1, purpose: Purpose = Purpose.GROWTH) -> None:
        with self.site.sessions.begin() as session:
            consent.give_consent(session, person_id, "Yes.", at=self.site.clock.now(), purposes=[purpose])

    def face(self, colour: tuple[int, int, int] = ANNA) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for _ in range(10):
            self.site.clock.advance(0.35)
            outcomes += self.judge.process(make_frame(colour, self.site.clock.now()))
            if outcomes:
                break
        return outcomes

    def rows(self, person_id: int = 1) -> list[GrownTemplate]:
        with self.site.sessions() as session:
            return list(grown.of_person(session, person_id))

    def confirmed_passage(self, seed: int = 1) -> int:
        """Let Anna pass by face and PIN, looking a little different; return how many looks were kept."""
        self.analyser.seed = seed
        assert self.face()[0].passage is not None
        assert ask(self.site, 1, Method.PIN).passage.granted
        kept = self.growing.tick()
        self.site.clock.advance(60)
        self.face((0, 0, 0))
        return kept

    def settle(self, rules: GrowthRules | None = RULES) -> int:
        """Put in use what is ready, after somebody put the threshold in force that was computed with it."""
        with self.site.sessions() as session:
            counted = with_ready(session, MODEL, ready(session, self.site.keys, MODEL, rules, self.site.clock.now()))
        self.site.set_threshold(grown=counted)
        return settle(self.site.sessions, self.site.keys, MODEL, rules, self.site.clock)

    def gallery_size(self) -> int:
        with self.site.sessions() as session:
            return len(templates.load_gallery(session, self.site.keys, MODEL))

    def acts(self) -> list[str]:
        with self.site.sessions() as session:
            return [row.action for row in entries.list_entries(session)]


@pytest.fixture
def vault(staffed: Site) -> Vault:
    site = staffed
    with site.sessions.begin() as session:
        now = site.clock.now()
        cameras.claim(session, "door", source="0", direction=Direction.IN, owner="daemon", at=now)
        for point in ("door", "tablet"):
            door_rows.move_point(session, point, 1, now)
            door_rows.change_point(session, point, {"factors": TWO}, now)
    vault = Vault(site)
    vault.agree()
    return vault


def test_a_look_that_the_own_pin_confirmed_waits_and_then_counts_at_the_door(vault: Vault) -> None:
    [outcome] = vault.face()
    assert outcome.passage is not None and outcome.passage.reason is Reason.SECOND_FACTOR
    assert vault.growing.tick() == 0, "a face alone grows nothing"
    done = ask(vault.site, 1, Method.PIN)
    assert vault.growing.tick() == 1

    [row] = vault.rows()
    assert (row.camera, row.passage_id, row.used_since) == ("door", done.passage.id, None)
    assert row.usable_at - row.grown_at == timedelta(days=7)
    assert vault.settle() == 0 and vault.gallery_size() == 2, "in quarantine it counts nowhere"
    vault.site.clock.advance(7 * 86_400)
    assert vault.settle() == 1 and vault.gallery_size() == 3
    assert vault.acts()[:2] == ["use_grown", "grow_template"]
    with vault.site.sessions() as session:
        assert templates.template_counts(session, [1], MODEL) == {1: 1}, "it is not an enrolled photo"


def test_the_pin_may_come_first(vault: Vault) -> None:
    assert ask(vault.site, 1, Method.PIN).passage.reason is Reason.SECOND_FACTOR
    [outcome] = vault.face()
    assert outcome.passage is not None and outcome.passage.granted

    assert vault.growing.tick() == 1


@pytest.mark.parametrize("first", [True, False])
def test_a_pin_of_duress_grows_nothing(vault: Vault, first: bool) -> None:
    if first:
        ask(vault.site, 1, Method.PIN, duress=True)
        [outcome] = vault.face()
        assert outcome.passage is not None and outcome.passage.granted
    else:
        vault.face()
        assert ask(vault.site, 1, Method.PIN, duress=True).passage.granted

    assert vault.growing.tick() == 0 and vault.rows() == []


def test_a_badge_alone_confirms_nothing(vault: Vault) -> None:
    with vault.site.sessions.begin() as session:
        for point in ("door", "tablet"):
            sets = [{"sets": [["face", "badge"]], "schedule": None}]
            door_rows.change_point(session, point, {"factors": sets}, vault.site.clock.now())
    vault.face()
    assert ask(vault.site, 1, Method.BADGE).passage.granted

    assert vault.growing.tick() == 0


def test_pin_and_badge_beside_the_face_confirm(vault: Vault) -> None:
    with vault.site.sessions.begin() as session:
        for point in ("door", "tablet"):
            sets = [{"sets": [["face", "badge", "pin"]], "schedule": None}]
            door_rows.change_point(session, point, {"factors": sets}, vault.site.clock.now())
    vault.face()
    ask(vault.site, 1, Method.BADGE)
    assert vault.growing.tick() == 0
    assert ask(vault.site, 1, Method.PIN).passage.granted

    assert vault.growing.tick() == 1


def test_a_face_that_opens_the_door_alone_grows_nothing_also_if_a_pin_is_typed_after_it(vault: Vault) -> None:
    with vault.site.sessions.begin() as session:
        for point in ("door", "tablet"):
            door_rows.change_point(session, point, {"factors": []}, vault.site.clock.now())
    [outcome] = vault.face()
    assert outcome.passage is not None and outcome.passage.granted
    assert ask(vault.site, 1, Method.PIN).passage.granted

    assert vault.growing.tick() == 0
    assert not vault.growing._held, "nothing is asked again that is over"


def test_another_face_with_the_right_pin_of_the_victim_adds_nothing_to_either(vault: Vault) -> None:
    vault.agree(2)
    vault.face(BERT)
    assert ask(vault.site, 1, Method.PIN).passage.reason is Reason.WRONG_FACTOR

    assert vault.growing.tick() == 0
    assert vault.rows(1) == vault.rows(2) == []


def test_a_look_whose_single_score_misses_the_threshold_is_not_kept(vault: Vault) -> None:
    [outcome] = vault.face()
    assert outcome.settled is not None and outcome.passage is not None
    weak = Template(near(vector_of([round(value / 8) for value in ANNA]), 0.45, 3), MODEL)
    assert outcome.passage.person_id == 1
    [held] = vault.growing._held.values()
    vault.growing._held[outcome.passage.id] = replace(held, looks=[replace(one, template=weak) for one in held.looks])
    ask(vault.site, 1, Method.PIN)

    assert vault.growing.tick() == 0


def test_a_look_that_reaches_a_twin_too_is_not_kept(vault: Vault) -> None:
    vault.face()
    enrolled = vector_of([round(value / 8) for value in ANNA])
    with vault.site.sessions.begin() as session:  # enrolled since: at the door the two were apart by the margin
        twin = vault.site.add(session, "Twin of Anna").id
        vector = Template(near(enrolled, 0.75, 9), MODEL)
        templates.add_template(session, vault.site.keys, twin, vector, "upload", {}, None, at=vault.site.clock.now())
    ask(vault.site, 1, Method.PIN)

    assert vault.growing.tick() == 0


def test_nothing_grows_without_the_consent_to_it_and_nothing_of_a_visitor(vault: Vault) -> None:
    with vault.site.sessions.begin() as session:
        consent.withdraw_consent(session, 1, at=vault.site.clock.now(), purposes=[Purpose.GROWTH])
    vault.face()
    ask(vault.site, 1, Method.PIN)
    assert vault.growing.tick() == 0

    vault.agree()
    vault.site.clock.advance(60)
    vault.face((0, 0, 0))
    vault.face()
    with vault.site.sessions.begin() as session:
        people.get_person(session, 1).visitor = True
    ask(vault.site, 1, Method.PIN)
    assert vault.growing.tick() == 0


def test_a_withdrawal_between_the_passage_and_the_look_leaves_nothing(vault: Vault) -> None:
    vault.face()
    ask(vault.site, 1, Method.PIN)
    with vault.site.sessions.begin() as session:
        consent.withdraw_consent(session, 1, at=vault.site.clock.now())

    assert vault.growing.tick() == 0 and vault.rows() == []


def test_one_passage_a_day_adds_something_and_a_passage_adds_once(vault: Vault) -> None:
    assert vault.confirmed_passage() == 1
    assert vault.growing.tick() == 0
    assert vault.confirmed_passage(seed=2) == 0, "on the same day"
    vault.site.clock.advance(86_400)
    assert vault.confirmed_passage(seed=2) == 1


def test_the_same_look_again_adds_nothing(vault: Vault) -> None:
    assert vault.confirmed_passage() == 1
    vault.site.clock.advance(86_400)

    assert vault.confirmed_passage() == 0


def test_what_waits_for_a_pin_is_forgotten(vault: Vault) -> None:
    vault.face()
    vault.site.clock.advance(WAITS.total_seconds() + 1)
    vault.growing.tick()

    assert not vault.growing._held


def test_a_pin_that_comes_too_late_confirms_nothing(vault: Vault) -> None:
    vault.face()
    vault.site.clock.advance(21)
    assert ask(vault.site, 1, Method.PIN).passage.reason is Reason.FACTOR_TIMEOUT

    assert vault.growing.tick() == 0


def test_a_decision_without_the_database_and_one_in_doubt_of_life_are_not_held(vault: Vault) -> None:
    [outcome] = vault.face()
    faces = list(vault.seen._faces)
    vault.growing._held.clear()
    assert outcome.passage is not None
    unclear = Ruling(
        "step_up", Judgement(Verdict.UNCLEAR, 0.0, 3, None, None, None), True, Reason.LIVENESS_STEP_UP, "", ""
    )
    offline = replace(outcome, passage=replace(outcome.passage, marks="offline"))
    unsure = replace(outcome, passage=replace(outcome.passage, clock_doubt=True))
    # Where a camera only watches a picture passes, too.
    pictures = [
        replace(outcome, ruling=Ruling(Policy.WATCH, Judgement(verdict, -3.0, 3, None, None, None), True, None, "", ""))
        for verdict in (Verdict.UNCLEAR, Verdict.ATTACK)
    ]
    for one in (offline, unsure, replace(outcome, ruling=unclear), *pictures):
        vault.growing.hold([one], faces)
        assert not vault.growing._held
    vault.growing.hold([outcome], faces)
    assert vault.growing._held


def test_only_so_many_are_in_use_and_the_most_redundant_goes(vault: Vault) -> None:
    for seed in (1, 2, 3):
        vault.analyser.like = 0.9 if seed == 1 else 0.8
        assert vault.confirmed_passage(seed) == 1
        vault.site.clock.advance(86_400)
    first = vault.rows()[0].uid
    vault.site.clock.advance(7 * 86_400)

    assert vault.settle() == 2
    assert len(vault.rows()) == 2 and first not in {row.uid for row in vault.rows()}
    assert vault.gallery_size() == 4
    assert vault.settle() == 0


def test_what_no_longer_shows_its_person_alone_never_comes_into_use(vault: Vault) -> None:
    vault.confirmed_passage()
    with vault.site.sessions.begin() as session:
        twin = vault.site.add(session, "Twin of Anna").id
        vector = Template(near(vector_of([round(value / 8) for value in ANNA]), 0.8, 1), MODEL)
        templates.add_template(session, vault.site.keys, twin, vector, "upload", {}, None, at=vault.site.clock.now())
    vault.site.clock.advance(8 * 86_400)

    assert vault.settle() == 0 and vault.rows() == []
    assert vault.acts()[0] == "take_back_grown"


def test_switched_off_deletes_what_waits_and_leaves_what_is_in_use(vault: Vault) -> None:
    vault.confirmed_passage()
    vault.site.clock.advance(8 * 86_400)
    vault.settle()
    vault.confirmed_passage(seed=2)

    assert vault.settle(None) == 0
    assert [row.used_since is None for row in vault.rows()] == [False]


def test_a_clock_in_doubt_puts_nothing_in_use(vault: Vault) -> None:
    vault.confirmed_passage()
    vault.site.clock.advance(8 * 86_400)
    vault.site.clock.doubt = "it was set back"

    assert vault.settle() == 0 and len(vault.rows()) == 1


def _deactivate(sessions: Sessions, vault: Vault) -> None:
    with sessions.begin() as session:
        people.get_person(session, 1).active = False


def _delete_photo(sessions: Sessions, vault: Vault) -> None:
    with sessions.begin() as session:
        [photo] = templates.list_templates(session, 1)
        templates.delete_template(session, photo.id, at=vault.site.clock.now())


def _withdraw(sessions: Sessions, vault: Vault) -> None:
    with sessions.begin() as session:
        consent.withdraw_consent(session, 1, at=vault.site.clock.now(), purposes=[Purpose.GROWTH])


@pytest.mark.parametrize(("change", "left"), [(_deactivate, 1), (_delete_photo, 0), (_withdraw, 0)])
def test_what_grew_ends_with_what_it_rests_on(
    vault: Vault, change: Callable[[Sessions, Vault], None], left: int
) -> None:
    vault.confirmed_passage()
    vault.site.clock.advance(8 * 86_400)
    vault.settle()
    before = vault.gallery_size()

    change(vault.site.sessions, vault)
    assert len(vault.rows()) == left
    assert vault.gallery_size() == before - {_deactivate: 2, _delete_photo: 2, _withdraw: 1}[change]


def test_templates_of_another_model_do_not_count(vault: Vault) -> None:
    vault.confirmed_passage()
    vault.site.clock.advance(8 * 86_400)
    vault.settle()
    other = make_template(7, model_id="other")
    with vault.site.sessions.begin() as session:
        for person in (1, 2):
            templates.add_template(
                session, vault.site.keys, person, other, "upload", {}, None, at=vault.site.clock.now()
            )

    with vault.site.sessions() as session:
        gallery = templates.load_gallery(session, vault.site.keys, "other")
    assert len(gallery) == 2


def test_a_tablet_of_a_door_sees_the_face_and_takes_the_pin(vault: Vault) -> None:
    site = vault.site
    tablet, rules = Terminal(1, "tablet", Direction.IN), replace(site.rules, window=timedelta(seconds=4))
    kiosk = Kiosk(site.sessions, site.keys, vault.analyser, site.clock, ZONE, rules, growing=vault.growing)
    for _ in range(6):
        site.clock.advance(0.35)
        kiosk.look(tablet, make_photo(ANNA))
    assert vault.growing.tick() == 0
    assert ask(site, 1, Method.PIN).passage.granted

    assert vault.growing.tick() == 1
    assert [row.camera for row in vault.rows()] == ["tablet"]


def test_a_tablet_without_a_door_confirms_nothing(vault: Vault) -> None:
    site = vault.site
    kiosk = Kiosk(site.sessions, site.keys, vault.analyser, site.clock, ZONE, site.rules, growing=vault.growing)
    for _ in range(6):
        site.clock.advance(0.35)
        kiosk.look(Terminal(2, "canteen", Direction.IN), make_photo(ANNA))
    assert ask(site, 1, Method.PIN, camera="canteen").passage.granted

    assert not vault.growing._held and vault.growing.tick() == 0


def test_a_proof_lives_for_minutes(vault: Vault) -> None:
    ask(vault.site, 1, Method.PIN)
    ask(vault.site, 2, Method.PIN)
    with vault.site.sessions() as session:
        assert session.query(PinProof.person_id).all() == [(1,)], "of nobody who did not agree"

    vault.site.clock.advance(16 * 60)
    vault.settle()
    with vault.site.sessions() as session:
        assert session.query(PinProof).count() == 0


def test_a_fault_of_the_database_keeps_no_door_from_its_work(vault: Vault) -> None:
    vault.face()
    ask(vault.site, 1, Method.PIN)
    with vault.site.sessions.begin() as session:
        session.execute(text("UPDATE key_material SET wrapped_key = :nothing"), {"nothing": b"\0"})

    assert vault.growing.tick() == 0 and not vault.growing._held
