"""The forms: which fields there are, how long they may be, how their text is cleaned.

In: what browsers send.  Out: checked text, numbers and dates; labels and messages, translated when they are shown.
Does not know: databases; the store checks what must be unique.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    DecimalRangeField,
    HiddenField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import AnyOf, DataRequired, EqualTo, InputRequired, Length, Optional, Regexp

from attendance.domain.passage import Direction
from attendance.domain.people.consent import Purpose
from attendance.store.operators.operators import MIN_PASSWORD, ROLES
from attendance.store.privacy.consent import MAX_TEXT


def clean_line(text: str | None) -> str:
    """Return one line without control characters (which no keyboard types, and PostgreSQL refuses)."""
    return " ".join(_printable(text).split())


def whole_number(text: str) -> int:
    """Return the number that an address or form names; ValueError unless a database takes it as a row's."""
    number = int(text)
    if not -(2**31) < number < 2**31:
        raise ValueError(f"{text[:20]} is larger than any number of a row")
    return number


def clean_text(text: str | None) -> str:
    """Return several lines, without other control characters."""
    lines = (text or "").replace("\r\n", "\n").split("\n")
    return "\n".join(_printable(line).rstrip() for line in lines).strip()


def _printable(text: str | None) -> str:
    # Cc: control characters; Cs: halves of surrogates; bidirectional overrides can make one name look like another.
    return "".join(
        " " if unicodedata.category(letter) in ("Cc", "Cs") or letter in "\u202a\u202b\u202c\u202d\u202e" else letter
        for letter in (text or "")
    )


def _at_most(number: int) -> Length:
    return Length(max=number, message=_("Use %(max)d characters or fewer."))


class LoginForm(FlaskForm):
    username = StringField(_("User name"), [InputRequired(_("Enter your user name.")), Length(max=100)])
    password = PasswordField(_("Password"), [InputRequired(_("Enter your password.")), Length(max=1024)])


class CodeForm(FlaskForm):
    """A code of the authenticator app, or a recovery code."""

    code = StringField(_("Code"), [InputRequired(_("Enter the code.")), Length(max=40)])


class NewPassword(FlaskForm):
    """A new password, entered twice."""

    password = PasswordField(
        _("Password"),
        [
            InputRequired(_("Choose a password.")),
            Length(min=MIN_PASSWORD, max=1024, message=_("Use %(min)d characters or more.")),
        ],
    )
    repeat = PasswordField(_("Repeat the password"), [EqualTo("password", message=_("The two passwords differ."))])


class SetupForm(NewPassword):
    token = StringField(
        _("Setup token"), [DataRequired(_("Paste the token that the terminal printed.")), Length(max=200)], [clean_line]
    )
    username = StringField(_("User name"), [DataRequired(_("Choose a user name.")), Length(max=100)], [clean_line])


class RoleForm(FlaskForm):
    """The role of an operator; the page itself adds a tick for each department."""

    role = StringField(_("Role"), [AnyOf(ROLES, _("Choose a role."))], default="viewer")
    person = StringField(
        _("Who this is among the people"), [Regexp(r"[0-9]{0,15}\Z", message=_("Choose from the list."))]
    )
    email = StringField(_("E-mail address"), [Length(max=200)], [clean_line])


class OperatorForm(NewPassword, RoleForm):
    username = StringField(_("User name"), [DataRequired(_("Choose a user name.")), Length(max=100)], [clean_line])


class PasswordForm(NewPassword):
    present = PasswordField(_("Present password"), [InputRequired(_("Enter your present password.")), Length(max=1024)])


class PersonForm(FlaskForm):
    name = StringField(
        _("Name"),
        [DataRequired(_("Enter a name.")), _at_most(200)],
        [clean_line],
    )
    staff_number = StringField(_("Staff number"), [_at_most(100)], [clean_line])
    department = StringField(_("Department"), [_at_most(200)], [clean_line])
    first_day = DateField(_("First day of employment"), [Optional()])
    last_day = DateField(_("Last day of employment"), [Optional()])
    notes = TextAreaField(_("Notes"), [_at_most(4000)], [clean_text])


class ConsentForm(FlaskForm):
    text = TextAreaField(
        _("What the person agrees to"),
        [DataRequired(_("Write down what the person agrees to.")), Length(max=MAX_TEXT)],
        [clean_text],
    )
    access = BooleanField(_("Access: a camera recognises the face, and a door opens"))
    attendance = BooleanField(_("Working time: coming and going by face count as working time"))
    growth = BooleanField(_("Templates that grow: looks that the person’s PIN confirmed become templates, too"))
    language = StringField(
        _("Language of these words"),
        [Regexp(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}\Z", message=_("Write a language as en, de or pt-BR."))],
        [clean_line],
    )
    channel = StringField(
        _("How the person agreed"), [AnyOf(("page", "paper", "email"), _("Choose from the list."))], default="page"
    )
    agreed = BooleanField(
        _("This person has read these words and agreed to them"),
        [DataRequired(_("Tick the box once the person has agreed."))],
    )

    def validate_attendance(self, _field: BooleanField) -> None:
        """Require a purpose."""
        if not (self.access.data or self.attendance.data or self.growth.data):
            raise ValidationError(_("Tick what the person agrees to: access, working time or both."))

    def purposes(self) -> frozenset[Purpose]:
        """Return the purposes that are ticked."""
        ticked = {purpose: getattr(self, purpose.value).data for purpose in Purpose}
        return frozenset(purpose for purpose, on in ticked.items() if on)


class Between:
    """A finite number from `low` to `high`.  Not NumberRange, which a signalling NaN breaks."""

    def __init__(self, low: str, high: str, words: str) -> None:
        self.low, self.high, self.words = Decimal(low), Decimal(high), words

    def __call__(self, _form: FlaskForm, field: DecimalField) -> None:
        if field.data is None or not field.data.is_finite() or not self.low <= field.data <= self.high:
            raise ValidationError(self.words)


class ThresholdForm(FlaskForm):
    """`mode`: by a risk (`step`: the slider's position) or by hand (`threshold`); `confirm`: the confirmed warning."""

    mode = HiddenField(
        _("Mode"), [AnyOf(("risk", "hand"), _("Choose a risk, or a threshold by hand."))], default="hand"
    )
    step = HiddenField(_("Risk"), [Regexp(r"([0-9]{1,2})?\Z", message=_("Choose a risk."))])
    threshold = DecimalRangeField(
        _("Threshold"),
        [InputRequired(_("Choose a threshold.")), Between("0.01", "0.99", _("Choose from 0.01 to 0.99."))],
    )
    margin = DecimalRangeField(
        _("Margin"), [InputRequired(_("Choose a margin.")), Between("0", "0.5", _("Choose from 0 to 0.5."))]
    )
    reason = StringField(_("Reason"), [_at_most(500)], [clean_line])
    # What was in force when the page was read: two people must not undo each other unseen.
    seen = HiddenField()
    confirm = HiddenField()


class WayForm(FlaskForm):
    """`way`: the name of a way of comparing (`service.calibration.scorings.WORDS`)."""

    way = StringField(_("Way"), [InputRequired(_("Choose one of the ways."))])
    reason = StringField(
        _("Reason"),
        [DataRequired(_("All scores change. Say why; it stays in the history.")), _at_most(500)],
        [clean_line],
    )
    seen = HiddenField()


def _share(label: str) -> DecimalField:
    words = _("Give a number from 0 to 100.")
    return DecimalField(label, [InputRequired(words), Between("0", "100", words)], places=1)


class CameraForm(FlaskForm):
    """The name of a camera on pages, its direction, and whether it is used."""

    title = StringField(_("Name"), [_at_most(100)], [clean_line])
    direction = StringField(
        _("Direction"), [AnyOf([direction.value for direction in Direction], _("Choose a direction."))]
    )
    active = BooleanField(_("In use: people are recognised here"))


class WatchForm(FlaskForm):
    """How a camera is read and where it stands; the page gives the choices, and the service checks the values."""

    name = StringField(_("Name"), [], [clean_line])
    source = StringField(_("Address"), [], [lambda text: (text or "").strip()])
    door = SelectField(_("Door"), validate_choice=False)
    direction = StringField(_("Direction"), default=Direction.IN.value)
    rotate = SelectField(_("Turn its pictures"), validate_choice=False)
    computer = StringField(_("Watched by the computer"), [], [clean_line])
    max_fps = StringField(_("Most pictures looked at in a second"), [], [clean_line])
    read_timeout_s = StringField(_("Wait for a picture (seconds)"), [], [clean_line])
    open_timeout_s = StringField(_("Wait for a connection (seconds)"), [], [clean_line])
    reconnect_min_s = StringField(_("Connect again after (seconds)"), [], [clean_line])
    reconnect_max_s = StringField(_("Connect again after at most (seconds)"), [], [clean_line])

    def times(self) -> tuple[StringField, ...]:
        """Return the fields that are usually left empty."""
        return (self.max_fps, self.read_timeout_s, self.open_timeout_s, self.reconnect_min_s, self.reconnect_max_s)


class RegionForm(FlaskForm):
    """The detection area, in percent of the picture's width and height."""

    left = _share(_("Left"))
    top = _share(_("Top"))
    right = _share(_("Right"))
    bottom = _share(_("Bottom"))

    def sides(self) -> tuple[DecimalField, DecimalField, DecimalField, DecimalField]:
        return self.left, self.top, self.right, self.bottom


class KioskForm(FlaskForm):
    """A tablet or screen; the page gives the choices."""

    name = StringField(
        _("Name"),
        [DataRequired(_("Enter a name.")), _at_most(100)],
        [clean_line],
    )
    shows = SelectField(_("What it is"))
    direction = SelectField(_("Direction"))
