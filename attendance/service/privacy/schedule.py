"""The schedule of retention: what is kept, for how long, and what happens then, from the settings in force.

In: the settings.  Out: rows of texts.
Does not know: who reads them, how anything is deleted.
Main choice: the rows are computed from the settings that the jobs use, so that what is published cannot differ from
what is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from attendance.config import Settings
from attendance.service.hours import muster
from attendance.service.privacy.documents import Document, Section
from attendance.texts import gettext as _


@dataclass(frozen=True, slots=True)
class Kept:
    """`what` is kept for `how_long`; `then`: what happens; `setting`: its name, "" if it is fixed."""

    what: str
    how_long: str
    then: str
    setting: str = ""


def schedule_of(settings: Settings) -> list[Kept]:
    """Return the schedule, what concerns faces first."""
    retention = settings.retention
    return [
        Kept(
            _("Templates of a face"),
            _("until the person withdraws the consent to both purposes"),
            _("Templates, their key, look-alikes and their scores are erased at once."),
        ),
        *_grown(settings),
        _leavers(retention.leavers_days),
        _visitors(retention.visitors_days),
        Kept(
            _("Photos of an enrolment"),
            _("seconds, while they are judged"),
            _("Never stored; a salted digest stays, to notice the same photo."),
        ),
        Kept(
            _("Refusals of strangers"),
            _days(retention.strangers_days),
            _then(retention.strangers_days, _("Deleted. They name nobody and hold no picture and no template.")),
            "retention.strangers_days",
        ),
        Kept(
            _("Refusals of people who were recognised"),
            _days(retention.refusals_days or retention.passages_days),
            _then(
                retention.refusals_days or retention.passages_days,
                _("Deleted. Working time counts granted passages only."),
            ),
            "retention.refusals_days",
        ),
        Kept(
            _("Check-ins"),
            _days(retention.passages_days),
            _then(retention.passages_days, _("Deleted. The totals of their days stay for pay.")),
            "retention.passages_days",
        ),
        Kept(
            _("Musters: who was inside in an evacuation, and who was met"),
            _days(muster.KEPT_DAYS),
            _("Deleted, with who ticked whom."),
        ),
        Kept(
            _("Consents, with what was withdrawn"),
            _("until the person is erased"),
            _("Erased with the person."),
        ),
        Kept(
            _("Entries of the audit"),
            _days(retention.audit_days),
            _then(retention.audit_days, _("Removed in whole signed segments; they name people by random ids.")),
            "retention.audit_days",
        ),
        *_backups(settings),
    ]


def _leavers(days: int) -> Kept:
    return Kept(
        _("Templates of leavers"),
        _after_last_day(days),
        _("Erased as by a withdrawal, with a receipt. Names and working time stay until the person is erased."),
        "retention.leavers_days",
    )


def _grown(settings: Settings) -> list[Kept]:
    """Return the row on templates that grow, where they do."""
    if not settings.growth.enabled:
        return []
    return [
        Kept(
            _("Templates that grew from confirmed passages"),
            _("until somebody takes them back, or the consent to that or to recognition is withdrawn"),
            _("Erased at once. Looks that no PIN confirmed are forgotten within six minutes and never stored."),
            "growth.most",
        )
    ]


def _visitors(days: int) -> Kept:
    return Kept(
        _("Visitors"),
        _("%(days)s days after the last visit", days=days) if days else _("until somebody erases them"),
        _("Erased as by hand, with a receipt: name, templates, badge, PIN, visits. Passages stay without a name."),
        "retention.visitors_days",
    )


def _backups(settings: Settings) -> list[Kept]:
    backup = settings.backup
    return [
        Kept(
            _("Backups of the database"),
            _days(backup.keep_days) if backup.folder else _("none are made"),
            _("Deleted. They hold no keys, so no template in them opens."),
            "backup.keep_days",
        ),
        Kept(
            _("Backups of keys"),
            _days(backup.key_days) if backup.key_folder else _("none are made"),
            _("Deleted. Without them, templates in older backups open with nothing."),
            "backup.key_days",
        ),
    ]


def schedule_document(settings: Settings) -> Document:
    """Return the schedule as a document to be published."""
    rows = tuple((one.what, one.how_long, one.then) for one in schedule_of(settings))
    head = (_("What"), _("Kept for"), _("Then"))
    title = _("Retention schedule of %(site)s", site=settings.site.name)
    intro = _("What this site keeps about people, for how long, and what happens then.")
    return Document(title, intro, (Section(_("Schedule"), (), head, rows),))


def _days(days: int) -> str:
    return _("for ever") if days == 0 else _("%(days)s days", days=days)


def _then(days: int, words: str) -> str:
    return _("Nothing is deleted.") if days == 0 else words


def _after_last_day(days: int) -> str:
    if days == 0:
        return _("until somebody erases them")
    return _("%(days)s days after the last day of employment", days=days)
