"""The texts of refusals by the rules of doors, one row a `Reason`; `reason_table.py` takes them in.

In: nothing.  Out: `RULE_REASONS`, in English and marked for translation.
Does not know: names, rules by name, the language of a request.
Main choice: how a door is held comes before who asks, so the texts of locked doors say nothing about the person.
"""

from __future__ import annotations

from collections.abc import Mapping

from attendance.domain.reason import Reason
from attendance.service.access.reason_forms import Explanation, ReasonText
from attendance.texts import N_

_ASK = N_("Ask whoever runs the door.")
_ASKED = N_("Somebody asked to pass.")
_ONLY_KNOWN = N_("A door opens only for what its rules know.")


def _row(words: str, advice: str, headline: str, rule: str, step: str = _ASK, about_person: bool = False) -> ReasonText:
    """Return a row whose explanation begins with the kiosk's headline."""
    return ReasonText(words, advice, (headline, step), Explanation(headline, (_ASKED,), rule, (step,), about_person))


RULE_REASONS: Mapping[Reason, ReasonText] = {
    Reason.UNKNOWN_POINT: _row(
        N_("access point not set up"),
        N_("Give this camera or tablet a door on the page of doors, and switch both on."),
        N_("This door is not in use"),
        _ONLY_KNOWN,
    ),
    Reason.STALE_POLICY: _row(
        N_("rules out of date"),
        N_("The door cannot read the database: check its log and the connection."),
        N_("This door does not know the present rules"),
        N_("Nobody is let in by rules that are too old."),
    ),
    Reason.LOCKDOWN: _row(
        N_("lockdown"),
        N_("End the lockdown on the page of doors when the emergency is over."),
        N_("The doors are closed"),
        N_("In a lockdown doors stay closed, whoever asks."),
    ),
    Reason.DOOR_LOCKED: _row(
        N_("door locked by an operator or a schedule"),
        N_("See on the page of doors who locked it, and until when."),
        N_("This door is locked"),
        N_("A locked door opens for nobody but security staff."),
    ),
    Reason.DOOR_BLOCKED: _row(
        N_("door blocked by an operator"),
        N_("See on the page of doors who blocked it, and until when."),
        N_("This door is out of use"),
        N_("A blocked door opens for nobody."),
    ),
    Reason.INTERLOCK: _row(
        N_("another door of the interlock is not closed"),
        N_("Close the other doors of this interlock; check their contacts."),
        N_("Another door is still open"),
        N_("Of these doors only one may be open at a time."),
        N_("Close the other door, then try again."),
    ),
    Reason.NOT_ACTIVE: _row(
        N_("person switched off for doors"),
        N_("See on the person’s page why, and switch access on again if that is over."),
        N_("Your access is switched off"),
        N_("An operator has switched off your access to doors."),
        about_person=True,
    ),
    Reason.NOT_YET_VALID: _row(
        N_("access has not begun yet"),
        N_("Check the first day of the person’s access."),
        N_("Your access has not begun yet"),
        N_("Access begins on the first day that was set for you."),
        about_person=True,
    ),
    Reason.EXPIRED: _row(
        N_("access is over"),
        N_("Check the last day of the person’s access."),
        N_("Your access is over"),
        N_("Access ended on the last day that was set for you."),
        about_person=True,
    ),
    Reason.LOCKED_OUT: _row(
        N_("person locked out for a while"),
        N_("Wait, or end the lock on the person’s page."),
        N_("You are locked out for a while"),
        N_("Your access is locked until a set time."),
        about_person=True,
    ),
    Reason.CLOCK_DOUBT: _row(
        N_("the computer’s clock is in doubt"),
        N_("Set the computer’s clock and let it follow a time server."),
        N_("This door does not know the time"),
        N_("While the clock may be wrong, only access without limits in time counts."),
    ),
    Reason.NO_RIGHT: _row(
        N_("no access to this door"),
        N_("Give the person an access level with this door, if that is meant."),
        N_("You have no access to this door"),
        N_("None of your access levels has this door."),
        about_person=True,
    ),
    Reason.OUTSIDE_SCHEDULE: _row(
        N_("outside the hours of access"),
        N_("Compare the time with the schedule of the person’s access level."),
        N_("Not at this time"),
        N_("Your access to this door holds at other times."),
        about_person=True,
    ),
    Reason.SECOND_FACTOR: _row(
        N_("second factor asked for"),
        N_("Nothing to do: the person was asked for a PIN or badge as well."),
        N_("One more proof, please"),
        N_("Here, or at this moment, one proof is not enough."),
        N_("Use a second proof now: PIN, badge or face."),
        about_person=True,
    ),
    Reason.FACTOR_TIMEOUT: _row(
        N_("second factor came too late"),
        N_("Nothing to do; the time can be changed on the door’s page."),
        N_("That took too long"),
        N_("The second proof must follow within a set time."),
        N_("Begin again."),
        about_person=True,
    ),
    Reason.WRONG_FACTOR: _row(
        N_("second factor of another person"),
        N_("Find out who stood there: a face or badge and a PIN belong to two people."),
        N_("The two proofs do not fit together"),
        N_("Both proofs must be of the same person."),
        N_("Begin again, with your own PIN or badge."),
        about_person=True,
    ),
    Reason.FACTOR_NOT_ACCEPTED: _row(
        N_("this proof is not accepted here"),
        N_("See on the access point’s page what is accepted at this time."),
        N_("This is not accepted here"),
        N_("Each access point sets which proofs it accepts, and when."),
        N_("Use another of face, PIN and badge."),
        about_person=True,
    ),
    Reason.FIRST_PERSON: _row(
        N_("nobody in charge has come yet today"),
        N_("Somebody of the door’s first-person level must pass first."),
        N_("Not before somebody in charge has come"),
        N_("This door opens for others after a person in charge passed it today."),
        N_("Wait until somebody in charge has come, then try again."),
    ),
    Reason.SECOND_PERSON: _row(
        N_("a second person is needed"),
        N_("Nothing to do: a second person must follow within the door’s set time."),
        N_("A second person is needed"),
        N_("This door opens for two people, one right after the other."),
        N_("The second person, please."),
    ),
    Reason.PASSBACK: _row(
        N_("already inside (anti-passback)"),
        N_("Check who left without being noticed, and set the person’s area on the page of people inside."),
        N_("You are inside already"),
        N_("Who is inside cannot enter again before leaving."),
        about_person=True,
    ),
    Reason.AREA_FULL: _row(
        N_("area full"),
        N_("Wait until somebody leaves, or change the area’s limit."),
        N_("There is no room at the moment"),
        N_("Only a set number of people may be in this area."),
        N_("Wait until somebody leaves, then try again."),
    ),
}
