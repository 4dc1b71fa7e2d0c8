"""The forms: which fields there are, how long they may be, what is cut away from them.

In: what browsers send.  Out: checked text, numbers and dates.
Does not know: databases; what must be unique is the store's business.
"""

from __future__ import annotations

import unicodedata

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DecimalField,
    DecimalRangeField,
    HiddenField,
    PasswordField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length, NumberRange

from attendance.store.consent import MAX_TEXT
from attendance.store.operators import MIN_PASSWORD


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


class OperatorForm(NewPassword):
    username = StringField("User name", [DataRequired("Choose a user name."), Length(max=100)], [clean_line])
    admin = BooleanField("Administrator: may change everything; without the tick this operator only reads")


class PasswordForm(NewPassword):
    present = PasswordField("Present password", [InputRequired("Enter your present password."), Length(max=1024)])


class PersonForm(FlaskForm):
    name = StringField(
        "Name", [DataRequired("Enter a name."), Length(max=200, message="Use 200 characters or fewer.")], [clean_line]
    )
    external_id = StringField("Staff number", [Length(max=100, message="Use 100 characters or fewer.")], [clean_line])
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


class ThresholdForm(FlaskForm):
    threshold = DecimalRangeField(
        "Threshold", [InputRequired("Choose a threshold."), NumberRange(0.01, 0.99, "Choose from 0.01 to 0.99.")]
    )
    margin = DecimalRangeField(
        "Margin", [InputRequired("Choose a margin."), NumberRange(0, 0.5, "Choose from 0 to 0.5.")]
    )
    reason = StringField("Reason", [Length(max=500, message="Use 500 characters or fewer.")], [clean_line])
    # What was in force when the page was read: two people must not undo each other unseen.
    seen = HiddenField()

    def validate_threshold(self, field: DecimalRangeField) -> None:
        if field.data is not None and not field.data.is_finite():
            raise ValidationError("Choose from 0.01 to 0.99.")

    def validate_margin(self, field: DecimalRangeField) -> None:
        if field.data is not None and not field.data.is_finite():
            raise ValidationError("Choose from 0 to 0.5.")


def _percent(_form: FlaskForm, field: DecimalField) -> None:
    # Not NumberRange, which a signalling NaN breaks.
    if field.data is None or not field.data.is_finite() or not 0 <= field.data <= 100:
        raise ValidationError("Give a number from 0 to 100.")


def _share(label: str) -> DecimalField:
    return DecimalField(label, [InputRequired("Give a number from 0 to 100."), _percent], places=1)


class RegionForm(FlaskForm):
    """Where in the picture, percent of its width and height."""

    left = _share("Left")
    top = _share("Top")
    right = _share("Right")
    bottom = _share("Bottom")

    def sides(self) -> tuple[DecimalField, DecimalField, DecimalField, DecimalField]:
        return self.left, self.top, self.right, self.bottom
