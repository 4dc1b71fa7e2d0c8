"""The words and figures of a day, as pages, reports, mails and files show them: one table for each key of the domain.

In: statuses, flags, causes, notes, rules, shifts, leave; a `Local`.  Out: texts in the language of the request.
Does not know: HTML, files, the database.
Main choice: the domain keeps keys, and every reader takes the words from here, so that a register, a page and
a mail cannot differ.  A test holds the tables complete.  Trade-off: a text with a time needs the site's zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_decimal, format_percent

from attendance.domain.hours.day import Cause, Day, Flag, Inference, Note, Rule, Spell, Status
from attendance.domain.hours.shift import DAY, Half, Kind, Leave, PremiumRules, Shift, hhmm
from attendance.texts import N_
from attendance.texts import gettext as _

LOCALE = "en_GB"


@dataclass(frozen=True, slots=True)
class Local:
    """How dates, times and numbers are written at a site."""

    zone: ZoneInfo
    locale: str = LOCALE

    def clock(self, at: datetime, seconds: bool = False) -> str:
        """09:41, or 09:41:07."""
        return format_time(at.astimezone(self.zone), "medium" if seconds else "short", locale=self.locale)

    def medium_date(self, day: date) -> str:
        """6 May 2024."""
        return format_date(day, "medium", locale=self.locale)

    def full_date(self, day: date) -> str:
        """Monday, 6 May 2024."""
        return format_date(day, "full", locale=self.locale)

    def weekday_date(self, day: date) -> str:
        """Mon, 6 May 2024."""
        return format_skeleton("yMMMEd", day, locale=self.locale)

    def weekday_day(self, day: date) -> str:
        """Mon 6 May."""
        return format_skeleton("MMMEd", day, locale=self.locale)

    def day(self, day: date) -> str:
        """6 May."""
        return format_skeleton("MMMd", day, locale=self.locale)

    def month(self, day: date) -> str:
        """May 2024."""
        return format_skeleton("yMMMM", day, locale=self.locale)

    def weekday(self, day: date) -> str:
        """Mon."""
        return format_date(day, "ccc", locale=self.locale)

    def weekdays(self) -> list[str]:
        """Mon, Tue and so on, from Monday."""
        return [self.weekday(date(2024, 1, number)) for number in range(1, 8)]  # the first was a Monday

    def weekday_letter(self, day: date) -> str:
        """M."""
        return format_date(day, "ccccc", locale=self.locale)

    def date_time(self, at: datetime, seconds: bool = False) -> str:
        """6 May 2024, 09:41."""
        local = at.astimezone(self.zone)
        return f"{self.medium_date(local.date())}, {self.clock(at, seconds)}"

    def zone_name(self, at: datetime) -> str:
        """CEST."""
        return at.astimezone(self.zone).tzname() or ""

    def number(self, value: float) -> str:
        """1.25, without zeros at the end."""
        return format_decimal(value, "#,##0.###", locale=self.locale)

    def decimal(self, value: float, digits: int) -> str:
        """0.450 with three digits, 12,345 with none."""
        return format_decimal(value, f"#,##0.{'0' * digits}" if digits else "#,##0", locale=self.locale)

    def percent(self, share: float, digits: int = 1) -> str:
        """2.5%, of 0.025."""
        return format_percent(share, f"#,##0.{'0' * digits}%" if digits else "#,##0%", locale=self.locale)


STATUS_WORDS: Mapping[Status, str] = {
    Status.UPCOMING: N_("to come"),
    Status.EXPECTED: N_("expected"),
    Status.PRESENT: N_("here now"),
    Status.WORKED: N_("worked"),
    Status.HALF_DAY: N_("half a day"),
    Status.ABSENT: N_("absent"),
    Status.LEAVE: N_("on leave"),
    Status.HOLIDAY: N_("holiday"),
    Status.OFF: N_("day off"),
    Status.UNPLANNED: N_("no roster"),
    Status.INCOMPLETE: N_("was here, hours not known"),
}

# For the monthly register.
STATUS_LETTERS: Mapping[Status, str] = {
    Status.UPCOMING: "",
    Status.EXPECTED: "",
    Status.PRESENT: "•",
    Status.WORKED: "P",
    Status.HALF_DAY: "½",
    Status.ABSENT: "A",
    Status.LEAVE: "L",
    Status.HOLIDAY: "H",
    Status.OFF: "·",
    Status.UNPLANNED: "–",
    Status.INCOMPLETE: "?",
}


@dataclass(frozen=True, slots=True)
class FlagWords:
    """`remark`: for reports, about the person.  `sentence`: for the person, with %(late)s and %(early)s."""

    remark: str
    sentence: str


FLAG_WORDS: Mapping[Flag, FlagWords] = {
    Flag.LATE: FlagWords(N_("late"), N_("You came %(late)s late.")),
    Flag.EARLY: FlagWords(N_("left early"), N_("You left %(early)s early.")),
    Flag.MISSED: FlagWords(
        N_("not here for a whole part of the shift"), N_("You were not here for a whole part of your shift.")
    ),
    Flag.MISSING_OUT: FlagWords(N_("no check-out"), N_("Your check-out is missing.")),
    Flag.MISSING_IN: FlagWords(N_("no check-in"), N_("Your check-in is missing.")),
    Flag.UNSETTLED: FlagWords(
        N_("in and out may be swapped: neither a door nor a roster says which way"),
        N_("Your check-ins do not say which way you went. Are in and out the right way round?"),
    ),
    Flag.DOUBLE_PUNCH: FlagWords(
        N_("two check-ins shortly one after the other count as one: was it one?"),
        N_("Two check-ins shortly one after the other count as one. Did you turn round?"),
    ),
    Flag.REPEAT: FlagWords(N_("double check-in ignored"), N_("You checked in twice in a row. It counts once.")),
    Flag.WRONG_CLOCK: FlagWords(
        N_("the clock was wrong"), N_("The clock at the door was wrong. Are these times right?")
    ),
    Flag.CAME_LATE: FlagWords(
        N_("a check-in came late: its time is the tablet's word"),
        N_("The tablet sent a check-in of yours late, because its line was down."),
    ),
    Flag.FUTURE: FlagWords(
        N_("a time in the future: check the camera's clock"),
        N_("A check-in with a time in the future was not counted."),
    ),
    Flag.ON_DAY_OFF: FlagWords(N_("worked on a day off"), N_("You worked on a day off.")),
    Flag.IN_DOUBT: FlagWords(N_("direction inferred"), N_("Your shift decided whether you came or left.")),
    Flag.CORRECTED: FlagWords(N_("corrected"), N_("A correction counts on this day.")),
}

CAUSE_WORDS: Mapping[Cause, str] = {
    Cause.DOOR_IN: N_("the door leads in"),
    Cause.DOOR_OUT: N_("the door leads out"),
    Cause.IN_TOO_LONG: N_("came in at %(since)s, too long ago to be still there: a new arrival"),
    Cause.NEW_SHIFT: N_("a new shift begins; the check-out after %(since)s was forgotten"),
    Cause.WAS_IN: N_("was here since %(since)s"),
    Cause.SHIFT_ENDS: N_("near the end of the shift and no check-in seen"),
    Cause.WAS_OUT: N_("was not here"),
    Cause.FIRST: N_("the first of the day: this shift counts from the first to the last"),
    Cause.LAST: N_("the last of the day: this shift counts from the first to the last"),
    Cause.NOT_COUNTED: N_("not counted after the check-in before it"),
}

NOTE_WORDS: Mapping[Note, str] = {
    Note.FUTURE: FLAG_WORDS[Flag.FUTURE].remark,
    Note.REPEAT: N_("the same passage twice"),
    Note.STILL_IN: N_("came in again without a check-out: the first time counts"),
    Note.BETWEEN: N_("between the first and the last of the day: does not count"),
    Note.NO_CHECK_IN: N_("no check-in: nothing is counted"),
}

RULE_WORDS: Mapping[Rule, str] = {
    Rule.SHIFT_END: N_("no check-out: closed at the end of the shift, %(end)s"),
    Rule.NOTHING: N_("no check-out: nothing is counted"),
}

RULE_SENTENCES: Mapping[Rule, str] = {
    Rule.SHIFT_END: N_("The day was closed at the end of the shift, %(end)s."),
    Rule.NOTHING: "",
}

HALF_WORDS: Mapping[Half, str] = {
    Half.WHOLE: "",
    Half.FIRST: N_("first half of the day"),
    Half.SECOND: N_("second half of the day"),
}

# The words of a cell are part of the file's format.
LEAVE_HALVES: Mapping[Half, str] = {
    Half.WHOLE: "%(kind)s",
    Half.FIRST: N_("%(kind)s (half, first)"),
    Half.SECOND: N_("%(kind)s (half, second)"),
}


def hours(seconds: int) -> str:
    """Return hours and minutes: 7:35.  Seconds are cut off, not rounded, so that no minute appears twice."""
    minutes = abs(seconds) // 60
    return f"{'−' if seconds < 0 and minutes else ''}{minutes // 60}:{minutes % 60:02d}"


def status_words(status: Status) -> str:
    return _(STATUS_WORDS[status])


def cause_words(inference: Inference, local: Local) -> str:
    """Return why a passage was taken for what it was."""
    since = local.clock(inference.since) if inference.since is not None else ""
    return _(CAUSE_WORDS[inference.cause], since=since)


def note_words(note: Note) -> str:
    return _(NOTE_WORDS[note])


def rule_words(spell: Spell, local: Local) -> str:
    """Return which rule ended the spell; nothing if the check-out was seen."""
    if spell.rule is None or spell.end is None:
        return ""
    return _(RULE_WORDS[spell.rule], end=local.clock(spell.end))


def flag_sentence(flag: Flag, day: Day, local: Local) -> str:
    """Return one flag of a day as a sentence to the person, with what a rule made of a missing check-out."""
    sentence = _(FLAG_WORDS[flag].sentence, late=hours(day.late), early=hours(day.early))
    if flag is Flag.MISSING_OUT:
        for spell in day.spells:
            if spell.rule is not None and spell.end is not None and RULE_SENTENCES[spell.rule]:
                return f"{sentence} {_(RULE_SENTENCES[spell.rule], end=local.clock(spell.end))}"
    return sentence


def reasons(day: Day, local: Local) -> list[str]:
    """Return what was inferred or closed by a rule; a flag says what was not counted at all."""
    counted = [used for used in day.used if used.inference is not None]
    words = [note_words(used.note) for used in counted if used.note is not None]
    words += [cause_words(used.inference, local) for used in counted if used.inference and used.inference.in_doubt]
    words += [rule_words(spell, local) for spell in day.spells if spell.rule is not None]
    return list(dict.fromkeys(words))


def remarks(day: Day, local: Local) -> str:
    """Return the plan's exceptions, flags and reasons in words.  Late and early have columns of their own."""
    words = [day.plan.holiday] if day.plan.holiday else []
    words += [leave_words(leave) for leave in day.plan.leaves]
    # A reason says more than the flag that comes with it.
    said = {Flag.LATE, Flag.EARLY, Flag.IN_DOUBT}
    if any(spell.rule is not None for spell in day.spells):
        said.add(Flag.MISSING_OUT)
    if any(used.note is Note.NO_CHECK_IN for used in day.used):
        said.add(Flag.MISSING_IN)
    words += [_(FLAG_WORDS[flag].remark) for flag in Flag if flag in day.flags - said]
    return "; ".join([*words, *reasons(day, local)])


def leave_words(leave: Leave) -> str:
    """Return the kind of a leave, and which half of the day it takes if it is not the whole."""
    return _(LEAVE_HALVES[leave.half], kind=_(leave.kind))


def mark(day: Day) -> str:
    """Return one or two characters for the register: a dot says that the day wants a look."""
    return STATUS_LETTERS[day.status] + ("." if day.wants_look else "")


def premium_words(rules: PremiumRules) -> str:
    """Return which hours are night, Sunday and holiday hours: Night 23:00–06:00 (+1), ..."""
    windows = (
        (rules.night, N_("night %(times)s")),
        (rules.sunday, N_("Sunday %(times)s")),
        (rules.holiday, N_("holiday %(times)s")),
    )
    counted = [_(words, times=f"{hhmm(one.start)}–{end_words(one.end)}") for one, words in windows if one is not None]
    if not counted:
        return _("No hours count as night, Sunday or holiday hours.")
    both = rules.both and rules.sunday is not None and rules.holiday is not None
    rule = _("a holiday on a Sunday counts as both") if both else _("a holiday on a Sunday counts as a holiday")
    return _("Of the worked time, and not added to it: %(windows)s; %(rule)s.", windows=", ".join(counted), rule=rule)


def end_words(minute: int) -> str:
    """Return the end of a window: 24:00 at the end of the day, 06:00 (+1) on the next."""
    return "24:00" if minute == DAY else hhmm(minute)


def shift_times(shift: Shift) -> str:
    """Return 09:00–17:00, or 22:00–06:00 (+1), and what a flexible day asks for."""
    text = ", ".join(f"{hhmm(span.start)}–{hhmm(span.end)}" for span in shift.spans)
    if shift.kind is Kind.FLEXIBLE:
        return _("%(times)s, %(length)s flexible", times=text, length=hours(shift.required * 60))
    return text


def shift_words(day: Day) -> str:
    """Return the name and the times of the day's shift; nothing on a day without one."""
    return f"{day.plan.shift.name} {shift_times(day.plan.shift)}" if day.plan.shift else ""
