"""The forms: which fields there are, how long they may be, what is cut away from them.

In: what browsers send.  Out: checked text, numbers and dates.
Does not know: databases; what must be unique is the store's business.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DecimalField,
    DecimalRangeField,
    HiddenField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import AnyOf, DataRequired, EqualTo, InputRequired, Length, Regexp

from attendance.domain.passage import Direction
from attendance.store.operators.operators import MIN_PASSWORD, ROLES
from attendance.store.privacy.consent import MAX_TEXT


def clean_line(text: str | None) -> str:
    """One line without control characters (which no keyboard types, and PostgreSQL refuses)."""
    return " ".join(_printable(text).split())


def clean_text(text: str | None) -> str:
    """Several lines, without other control characters."""
    lines = (text or "").replace("\r\n", "\n").split("\n")
    return "\n".join(_printable(line).rstrip() for line in lines).strip()


def _printable(text: str | None) -> str:
    # Cc: control characters; Cs: halves of surrogates; bidirectional overrides can make one name look like another.
    return "".join(
        " " if unicodedata.category(one) in ("Cc", "Cs") or one in "\u202a\u202b\u202c\u202d\u202e" else one
        for one in (text or "")
    )


class LoginForm(FlaskForm):
    username = StringField("User name", [InputRequired("Enter your user name."), Length(max=100)])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=1024)])


class NewPassword(FlaskForm):
    """Twice the same new password."""

    password = PasswordField(
        "Password",
        [
            InputRequired("Choose a password."),
            Length(min=MIN_PASSWORD, max=1024, message=f"Use {MIN_PASSWORD} characters or more."),
        ],
    )
    repeat = PasswordField("Repeat the password", [EqualTo("password", message="The two passwords differ.")])


class SetupForm(NewPassword):
    token = StringField(
        "Setup token", [DataRequired("Paste the token that the terminal printed."), Length(max=200)], [clean_line]
    )
    username = StringField("User name", [DataRequired("Choose a user name."), Length(max=100)], [clean_line])


class RoleForm(FlaskForm):
    """What an operator may do; the departments are ticks of the page's own."""

    role = StringField("Role", [AnyOf(ROLES, "Choose a role.")], default="viewer")
    person = StringField("Who this is among the people", [Regexp(r"[0-9]{0,15}\Z", message="Choose from the list.")])


class OperatorForm(NewPassword, RoleForm):
    username = StringField("User name", [DataRequired("Choose a user name."), Length(max=100)], [clean_line])


class PasswordForm(NewPassword):
    present = PasswordField("Present password", [InputRequired("Enter your present password."), Length(max=1024)])


class PersonForm(FlaskForm):
    name = StringField(
        "Name", [DataRequired("Enter a name."), Length(max=200, message="Use 200 characters or fewer.")], [clean_line]
    )
    staff_number = StringField("Staff number", [Length(max=100, message="Use 100 characters or fewer.")], [clean_line])
    department = StringField("Department", [Length(max=200, message="Use 200 characters or fewer.")], [clean_line])
    notes = TextAreaField("Notes", [Length(max=4000, message="Use 4000 characters or fewer.")], [clean_text])


class ConsentForm(FlaskForm):
    text = TextAreaField(
        "What the person agrees to",
        [DataRequired("Write down what the person agrees to."), Length(max=MAX_TEXT)],
        [clean_text],
    )
    agreed = BooleanField(
        "This person has read these words and agreed to them",
        [DataRequired("Tick the box once the person has agreed.")],
    )


class Between:
    """A finite number from `low` to `high`.  Not NumberRange, which a signalling NaN breaks."""

    def __init__(self, low: str, high: str, words: str) -> None:
        self.low, self.high, self.words = Decimal(low), Decimal(high), words

    def __call__(self, _form: FlaskForm, field: DecimalField) -> None:
        if field.data is None or not field.data.is_finite() or not self.low <= field.data <= self.high:
            raise ValidationError(self.words)


class ThresholdForm(FlaskForm):
    """`mode`: by a risk (`step`: the slider's position) or by hand (`threshold`); `confirm`: to what was said yes."""

    mode = HiddenField("Mode", [AnyOf(("risk", "hand"), "Choose a risk, or a threshold by hand.")], default="hand")
    step = HiddenField("Risk", [Regexp(r"([0-9]{1,2})?\Z", message="Choose a risk.")])
    threshold = DecimalRangeField(
        "Threshold", [InputRequired("Choose a threshold."), Between("0.01", "0.99", "Choose from 0.01 to 0.99.")]
    )
    margin = DecimalRangeField(
        "Margin", [InputRequired("Choose a margin."), Between("0", "0.5", "Choose from 0 to 0.5.")]
    )
    reason = StringField("Reason", [Length(max=500, message="Use 500 characters or fewer.")], [clean_line])
    # What was in force when the page was read: two people must not undo each other unseen.
    seen = HiddenField()
    confirm = HiddenField()


def _share(label: str) -> DecimalField:
    words = "Give a number from 0 to 100."
    return DecimalField(label, [InputRequired(words), Between("0", "100", words)], places=1)


class CameraForm(FlaskForm):
    """What pages call a camera, which way people go there, whether it is used."""

    title = StringField("Name", [Length(max=100, message="Use 100 characters or fewer.")], [clean_line])
    direction = StringField("Direction", [AnyOf([one.value for one in Direction], "Choose a direction.")])
    active = BooleanField("In use: people are recognised here")


class RegionForm(FlaskForm):
    """Where in the picture, percent of its width and height."""

    left = _share("Left")
    top = _share("Top")
    right = _share("Right")
    bottom = _share("Bottom")

    def sides(self) -> tuple[DecimalField, DecimalField, DecimalField, DecimalField]:
        return self.left, self.top, self.right, self.bottom


class KioskForm(FlaskForm):
    """A tablet or screen.  The choices are the page's to give."""

    name = StringField(
        "Name", [DataRequired("Enter a name."), Length(max=100, message="Use 100 characters or fewer.")], [clean_line]
    )
    shows = SelectField("What it is")
    direction = SelectField("Which way people go there")
