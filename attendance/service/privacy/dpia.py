"""The pack for a data protection impact assessment (GDPR, article 35), filled in from the settings and the database.

In: a session, the settings, the table of roles.  Out: a `Document`; what only the controller can answer is left open.
Does not know: the law of a country, who the controller is.
Main choice: every statement is computed from what is in force at this moment, and says so, so that the assessment is
made about the site as it runs.  Trade-off: it has to be made again after a change of the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.service.privacy.documents import Document, Section
from attendance.service.privacy.places import PLACES
from attendance.service.privacy.schedule import schedule_of
from attendance.store.calibration import operating_points
from attendance.store.kiosk import devices
from attendance.store.tables.cameras import Camera
from attendance.store.tables.people import ConsentRow, GrownTemplate, Person, Template
from attendance.texts import N_
from attendance.texts import gettext as _

_YOURS = N_("To be answered by the controller: ")
_HOW = {
    "at once": N_("at once"),
    "soon": N_("within minutes; the receipt says pending until then"),
    "ends": N_("by itself"),
    "nothing": N_("holds nothing that names a person"),
    "elsewhere": N_("out of this program’s reach"),
}


def pack_of(session: Session, settings: Settings, roles: Mapping[str, str], now: datetime) -> Document:
    """Return the pack as of `now`.  `roles`: what each role of operators may do, in words."""
    intro = _(
        "Data protection impact assessment of %(site)s: the facts about this installation, as of %(now)s (attendance "
        "%(version)s). What begins with “%(yours)s” cannot be known by a program.",
        site=settings.site.name,
        now=now.isoformat(timespec="minutes"),
        version=version("attendance"),
        yours=_(_YOURS).strip(": "),
    )
    return Document(
        _("DPIA pack: %(site)s", site=settings.site.name),
        intro,
        (
            _processing(session),
            _necessity(session),
            _data(),
            Section(
                _("Retention"),
                (_("This schedule is computed from the settings that the deleting jobs use."),),
                (_("What"), _("Kept for"), _("Then"), _("Setting")),
                tuple((one.what, one.how_long, one.then, one.setting or _("fixed")) for one in schedule_of(settings)),
            ),
            _places(),
            Section(
                _("Who has access"),
                (
                    _(
                        "Each page of the site asks for a permission; one table gives permissions to roles "
                        "(docs/roles.md)."
                    ),
                ),
                (_("Role"), _("May")),
                tuple(roles.items()),
            ),
            _measures(session, settings),
            _risks(settings),
            _open(),
        ),
    )


def _processing(session: Session) -> Section:
    people = session.scalar(select(func.count()).select_from(Person)) or 0
    active = session.scalar(select(func.count()).select_from(Person).where(Person.active)) or 0
    cameras = session.scalar(select(func.count()).select_from(Camera)) or 0
    tablets = len(devices.list_devices(session))
    rows = (
        (_("People on record"), _("%(people)s, of them %(active)s active", people=people, active=active)),
        (
            _("Cameras and tablets"),
            _("%(cameras)s cameras, %(tablets)s tablets and screens", cameras=cameras, tablets=tablets),
        ),
        (
            _("Where it runs"),
            _("On this site’s own computer. Nothing is sent to the makers of this program or to a cloud."),
        ),
        (_("Recipients"), _(_YOURS) + _("who gets weekly e-mails, exports and webhooks, and under which contract.")),
    )
    return Section(
        _("Processing"),
        (
            _(
                "People who agreed are recognised by camera or tablet: numbers of a picture are compared with "
                "templates."
            ),
            _("Access: a door opens or refuses. Working time: coming and going are noted."),
        ),
        (_("What"), _("Answer")),
        rows,
    )


def _necessity(session: Session) -> Section:
    given = dict(
        session.execute(
            select(ConsentRow.purpose, func.count(ConsentRow.person_id.distinct()))
            .where(ConsentRow.act == "given")
            .group_by(ConsentRow.purpose)
        ).all()
    )
    access = session.scalar(select(func.count()).where(Person.access_consent_at.is_not(None))) or 0
    hours = session.scalar(select(func.count()).where(Person.attendance_consent_at.is_not(None))) or 0
    versions = session.execute(
        select(ConsentRow.version, ConsentRow.language, func.count(), func.min(ConsentRow.at))
        .where(ConsentRow.act == "given")
        .group_by(ConsentRow.version, ConsentRow.language)
        .order_by(func.min(ConsentRow.at))
    ).all()
    rows = (
        (_("Consent to access"), _("%(now)s people now; %(ever)s ever", now=access, ever=given.get("access", 0))),
        (
            _("Consent to working time"),
            _("%(now)s people now; %(ever)s ever", now=hours, ever=given.get("attendance", 0)),
        ),
        *(
            (
                _("Words, version %(version)s", version=words),
                _(
                    "%(count)s times, from %(day)s, language %(language)s",
                    count=count,
                    day=at.date(),
                    language=language or _("not noted"),
                ),
            )
            for words, language, count, at in versions
        ),
    )  # fmt: skip
    return Section(
        _("Lawful basis, necessity and proportionality"),
        (
            _(
                "A face is special-category data (GDPR, article 9), compared only while consent to that purpose is "
                "noted."
            ),
            _("A PIN or badge has equal rank everywhere, so consent can be refused freely."),
            _(_YOURS)
            + _("why a PIN or badge alone does not serve the purpose, and that refusing has no disadvantage."),
        ),
        (_("Consent"), _("How many")),
        rows,
    )


def _data() -> Section:
    return Section(
        _("Categories of data"),
        (_("No emotion, age, gender or ethnicity is ever computed. Photos of an enrolment are not stored."),),
        (_("Data"), _("Of whom"), _("For")),
        (
            (_("Template: encrypted numbers of a face"), _("people who agreed"), _("access, working time")),
            (
                _("Templates that grew from passages that a PIN confirmed"),
                _("people who agreed to that"),
                _("the same"),
            ),
            (_("Name, staff number, department, PIN and badge as hashes"), _("everybody on record"), _("both")),
            (_("Check-ins with time, place, score"), _("everybody who checks in"), _("both")),
            (_("Refusals without name, picture or template"), _("strangers"), _("security")),
            (_("Working days, leave, corrections"), _("employees"), _("pay")),
            (_("Who did what on this site"), _("operators"), _("accountability")),
        ),
    )


def _places() -> Section:
    rows = tuple((_(place.title), _(place.words), _(_HOW[place.how])) for place in PLACES.values())
    return Section(
        _("Where personal data is stored"), (), (_("Place"), _("What, and how it leaves"), _("After an erasure")), rows
    )


def _measures(session: Session, settings: Settings) -> Section:
    point = operating_points.current(session, settings.models.recogniser)
    templates = session.scalar(select(func.count()).select_from(Template)) or 0
    threshold = _("none: every face is refused") if point is None else f"{point.threshold:.2f} ({point.source})"
    https = (
        _("on") if settings.web.https_only else _("off: the site must not be reached from other computers without it")
    )
    rows = (
        (
            _("Encryption"),
            _(
                "%(number)s templates, each sealed with a key for its person, and that with the master key",
                number=templates,
            ),
        ),
        (_("Threshold in force"), threshold),
        (_("Risk asked for"), _("one false acceptance in %(number)s", number=f"{settings.calibration.risk:,.0f}")),
        (_("Liveness"), ", ".join(filter(None, (settings.liveness.policy, settings.liveness.cameras)))),
        (_("Templates that grow"), _growth(session, settings)),
        (_("Encrypted connections only"), https),
        (
            _("Sessions"),
            _(
                "%(minutes)s minutes without use, %(hours)s hours at most",
                minutes=f"{settings.web.idle_minutes:.0f}",
                hours=f"{settings.web.session_hours:.0f}",
            ),
        ),
        (_("Audit"), _("a chain of hashes with signed heads; views and exports of personal data are entries")),
        (_("Erasure"), _("key and rows at once, a signed receipt, a ledger that no restored backup undoes")),
    )
    return Section(_("Measures in force"), (), (_("Measure"), _("State")), rows)


def _growth(session: Session, settings: Settings) -> str:
    """Return whether templates grow, and how many did."""
    number = session.scalar(select(func.count()).select_from(GrownTemplate)) or 0
    if not settings.growth.enabled:
        return _("off; %(number)s are left from before", number=number) if number else _("off")
    return _(
        "on, with a consent of its own: %(number)s templates; each waits %(days)s days, at most %(most)s of a person "
        "are in use, and the person can take each back",
        number=number,
        days=f"{settings.growth.quarantine_days:g}",
        most=settings.growth.most,
    )


def _risks(settings: Settings) -> Section:
    liveness = {
        "auto": _("Watched and noted; after a drill at a camera a PIN or badge is asked for in doubt."),
        "off": _("Not countered: liveness is off."),
        "watch": _("Only watched and noted: a photo may open a door."),
        "challenge": _("In doubt the person is asked to turn the head; otherwise a PIN or badge is needed."),
        "step_up": _("In doubt a PIN or badge is asked for."),
        "refuse": _("In doubt the face is refused."),
    }[settings.liveness.policy]
    disk = _(
        "Times and names are readable by whoever has the disk: encrypt it. Templates are not, without the master key."
    )
    return Section(
        _("Risks to people"),
        (_(_YOURS) + _("likelihood and severity of each, and whether what remains is acceptable."),),
        (_("Risk"), _("What counters it")),
        (
            (_("Somebody is taken for somebody else"), _("Several looks must agree; look-alikes need a larger lead.")),
            (
                _("A face that grows wanders off to somebody else’s"),
                _("Only confirmed photos are the base, nobody else may reach the threshold, few, and after a wait."),
            ),
            (_("A photo or screen is held up"), liveness),
            (_("Somebody is not recognised and stands outside"), _("PIN and badge, everywhere and of equal rank.")),
            (
                _("Templates are stolen"),
                _("Sealed with keys apart from backups; useless to other programs’ templates."),
            ),
            (_("The computer or disk is stolen"), disk),
            (_("Working time is used to watch behaviour"), _("No live map of people; views are entries in the audit.")),
            (_("An operator misuses access"), _("Roles, departments, the audit; nobody decides about themselves.")),
            (_("Bystanders are filmed"), _("Pictures are never stored; a face without a template stays nameless.")),
        ),
    )


def _open() -> Section:
    return Section(
        _("What remains to be done by the controller"),
        (
            _(_YOURS) + _("name and contact of the controller and of the data protection officer."),
            _(_YOURS) + _("how employees and their representatives were heard (article 35, paragraph 9)."),
            _(_YOURS) + _("the sign at the camera, and the notice under article 13."),
            _(_YOURS) + _("whether the supervisory authority has to be consulted (article 36), and the next review."),
        ),
    )
