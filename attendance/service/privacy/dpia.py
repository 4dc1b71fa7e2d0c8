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
from attendance.store.tables.people import ConsentRow, Person, Template

_YOURS = "To be answered by the controller: "
_HOW = {
    "at once": "at once",
    "soon": "within minutes; the receipt says pending until then",
    "ends": "by itself",
    "nothing": "holds nothing that names a person",
    "elsewhere": "out of this program’s reach",
}


def pack_of(session: Session, settings: Settings, roles: Mapping[str, str], now: datetime) -> Document:
    """Return the pack as of `now`.  `roles`: what each role of operators may do, in words."""
    intro = (
        f"Data protection impact assessment of {settings.site.name}: the facts about this installation, as of "
        f"{now.isoformat(timespec='minutes')} (attendance {version('attendance')}). What begins with "
        f"“{_YOURS.strip(': ')}” cannot be known by a program."
    )
    return Document(
        f"DPIA pack: {settings.site.name}",
        intro,
        (
            _processing(session),
            _necessity(session),
            _data(),
            Section(
                "Retention",
                ("This schedule is computed from the settings that the deleting jobs use.",),
                ("What", "Kept for", "Then", "Setting"),
                tuple((one.what, one.how_long, one.then, one.setting or "fixed") for one in schedule_of(settings)),
            ),
            _places(),
            Section(
                "Who has access",
                ("Each page of the site asks for a permission; one table gives permissions to roles (docs/roles.md).",),
                ("Role", "May"),
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
    rows = (
        ("People on record", f"{people}, of them {active} active"),
        ("Cameras and tablets", f"{cameras} cameras, {len(devices.list_devices(session))} tablets and screens"),
        ("Where it runs", "On this site’s own computer. Nothing is sent to the makers of this program or to a cloud."),
        ("Recipients", _YOURS + "who gets weekly e-mails, exports and webhooks, and under which contract."),
    )
    return Section(
        "Processing",
        (
            "People who agreed are recognised by camera or tablet: numbers of a picture are compared with templates.",
            "Access: a door opens or refuses. Working time: coming and going are noted.",
        ),
        ("What", "Answer"),
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
        ("Consent to access", f"{access} people now; {given.get('access', 0)} ever"),
        ("Consent to working time", f"{hours} people now; {given.get('attendance', 0)} ever"),
        *((f"Words, version {words}", f"{count} times, from {at:%Y-%m-%d}, language {language or 'not noted'}")
          for words, language, count, at in versions),
    )  # fmt: skip
    return Section(
        "Lawful basis, necessity and proportionality",
        (
            "A face is special-category data (GDPR, article 9), compared only while consent to that purpose is noted.",
            "A PIN or badge has equal rank everywhere, so consent can be refused freely.",
            _YOURS + "why a PIN or badge alone does not serve the purpose, and that refusing has no disadvantage.",
        ),
        ("Consent", "How many"),
        rows,
    )


def _data() -> Section:
    return Section(
        "Categories of data",
        ("No emotion, age, gender or ethnicity is ever computed. Photos of an enrolment are not stored.",),
        ("Data", "Of whom", "For"),
        (
            ("Template: encrypted numbers of a face", "people who agreed", "access, working time"),
            ("Name, staff number, department, PIN and badge as hashes", "everybody on record", "both"),
            ("Check-ins with time, place, score", "everybody who checks in", "both"),
            ("Refusals without name, picture or template", "strangers", "security"),
            ("Working days, leave, corrections", "employees", "pay"),
            ("Who did what on this site", "operators", "accountability"),
        ),
    )


def _places() -> Section:
    rows = tuple((place.title, place.words, _HOW[place.how]) for place in PLACES.values())
    return Section("Where personal data is stored", (), ("Place", "What, and how it leaves", "After an erasure"), rows)


def _measures(session: Session, settings: Settings) -> Section:
    point = operating_points.current(session, settings.models.recogniser)
    templates = session.scalar(select(func.count()).select_from(Template)) or 0
    threshold = "none: every face is refused" if point is None else f"{point.threshold:.2f} ({point.source})"
    https = "on" if settings.web.https_only else "off: the site must not be reached from other computers without it"
    rows = (
        ("Encryption", f"{templates} templates, each sealed with a key for its person, and that with the master key"),
        ("Threshold in force", threshold),
        ("Risk asked for", f"one false acceptance in {settings.calibration.risk:,.0f}"),
        ("Liveness", ", ".join(filter(None, (settings.liveness.policy, settings.liveness.cameras)))),
        ("Encrypted connections only", https),
        (
            "Sessions",
            f"{settings.web.idle_minutes:.0f} minutes without use, {settings.web.session_hours:.0f} hours at most",
        ),
        ("Audit", "a chain of hashes with signed heads; views and exports of personal data are entries"),
        ("Erasure", "key and rows at once, a signed receipt, a ledger that no restored backup undoes"),
    )
    return Section("Measures in force", (), ("Measure", "State"), rows)


def _risks(settings: Settings) -> Section:
    liveness = {
        "off": "Not countered: liveness is off.",
        "watch": "Only watched and noted: a photo may open a door.",
        "step_up": "In doubt a PIN or badge is asked for.",
        "refuse": "In doubt the face is refused.",
    }[settings.liveness.policy]
    disk = (
        "Times and names are readable by whoever has the disk: encrypt it. Templates are not, without the master key."
    )
    return Section(
        "Risks to people",
        (_YOURS + "likelihood and severity of each, and whether what remains is acceptable.",),
        ("Risk", "What counters it"),
        (
            ("Somebody is taken for somebody else", "Several looks must agree; look-alikes need a larger lead."),
            ("A photo or screen is held up", liveness),
            ("Somebody is not recognised and stands outside", "PIN and badge, everywhere and of equal rank."),
            ("Templates are stolen", "Sealed with keys apart from backups; useless to other programs’ templates."),
            ("The computer or disk is stolen", disk),
            ("Working time is used to watch behaviour", "No live map of people; views are entries in the audit."),
            ("An operator misuses access", "Roles, departments, the audit; nobody decides about themselves."),
            ("Bystanders are filmed", "Pictures are never stored; a face without a template stays nameless."),
        ),
    )


def _open() -> Section:
    return Section(
        "What remains to be done by the controller",
        (
            _YOURS + "name and contact of the controller and of the data protection officer.",
            _YOURS + "how employees and their representatives were heard (article 35, paragraph 9).",
            _YOURS + "the sign at the camera, and the notice under article 13.",
            _YOURS + "whether the supervisory authority has to be consulted (article 36), and the next review.",
        ),
    )
