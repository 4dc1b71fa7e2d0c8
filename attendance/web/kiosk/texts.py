"""The texts that the kiosk's scripts show.

In: nothing.  Out: texts by the names that the scripts use, in the language of the request.
Does not know: when a script shows which text.
Main choice: the page brings its texts along in one block, so that they are in the cached page, too, and a tablet
without a connection reads the same language.

A script fills a name in braces, such as {count}.
"""

from __future__ import annotations

from collections.abc import Mapping

from attendance.texts import N_
from attendance.texts import gettext as _

_LINK = {
    "connected": N_("Connected"),
    "noConnection": N_("No connection"),
    "soundOn": N_("Sound on"),
    "soundOff": N_("Sound off"),
    "today": N_("Today: {hours}"),
}

FORMS = {
    "offline": N_("The site does not answer. Check the connection and try again."),
    "waitsOne": N_("1 check-in still waits in this tablet. Connect it first, so that nothing is lost."),
    "waitsMany": N_("{count} check-ins still wait in this tablet. Connect it first, so that nothing is lost."),
}

_CHALLENGE = {"stepOf": N_("Step {number} of {of}")}

SCREEN = _LINK | _CHALLENGE | {"look": N_("Look at the camera")}

TABLET = (
    _LINK
    | _CHALLENGE
    | {
        # the line to the server
        "waiting": N_("{count} waiting"),
        "bannerNothing": N_("No connection. Nothing can be noted until it is back."),
        "bannerKept": N_("No connection. PIN and badge still work: check-ins are kept in this tablet and sent later."),
        "undoTooLate": N_("A check-in of {time} may still count: the undo came too late. Ask for a correction."),
        "waitedRefused": N_("A check-in that waited since {time} was not accepted: {reason}. Ask for a correction."),
        "sentOne": N_("The connection is back: 1 check-in that waited was sent."),
        "sentMany": N_("The connection is back: {count} check-ins that waited were sent."),
        # the answer
        "seconds": N_("({count} s)"),
        "serverCannot": N_("The server could not do it now. Ask for a correction later, or try again."),
        "lineCannot": N_("No connection. Ask for a correction later, or try again."),
        "undoLast": N_("Undo the last check-in?"),
        "undone": N_("Undone"),
        "notSent": N_("This check-in is not sent."),
        "notCounted": N_("This check-in does not count."),
        "undoNoted": N_("Undo noted"),
        "undoLater": N_(
            "The server undoes it when it answers. If this check-in still counts then, ask for a correction."
        ),
        "noted": N_("Noted"),
        "keptFault": N_(
            "The server could not take it now: your check-in of {time} waits in this tablet and is sent later."
        ),
        "keptOffline": N_("No connection: your check-in of {time} waits in this tablet and is sent later."),
        "whichWay": N_("Which way are you going?"),
        "inLater": N_("In at {time}. It is sent later."),
        "outLater": N_("Out at {time}. It is sent later."),
        "breakLater": N_("Break at {time}. It is sent later."),
        # number, PIN, badge
        "next": N_("Next"),
        "checkIn": N_("Check in"),
        "checking": N_("Checking…"),
        "faultTitle": N_("The server could not take it"),
        "faultAdvice": N_("This was not noted. Try again in a minute."),
        "offlineAdvice": N_("This was not noted. Try again when the connection is back."),
        "orType": N_("Or type your number and PIN"),
        "enterNumber": N_("Enter your number"),
        "enterNumberAdvice": N_("Or hold your badge before the camera."),
        # the camera
        "lookHere": N_("Look here"),
        "hintOffline": N_("Use your PIN or badge: it is kept and sent later."),
        "cameraWaits": N_("The camera waits while you type"),
        "cameraFault": N_("The camera cannot be used now"),
        "cameraFaultAdvice": N_("Use your PIN or badge instead."),
        "noCameraAdvice": N_("Use your number and PIN, or your badge."),
        "cameraNotAllowed": N_("This browser may not use the camera. Allow it in the browser’s settings."),
        "cameraMissing": N_("This tablet has no camera."),
        "cameraBusy": N_("Another program uses the camera."),
        "cameraNeedsHttps": N_("No camera here: browsers give it only to pages that are opened by https."),
        "cameraFailed": N_("The camera did not start."),
        "cameraUnplugged": N_("The camera was unplugged."),
    }
)


def translated(texts: Mapping[str, str]) -> dict[str, str]:
    """Return these texts in the language of the request."""
    return {name: _(text) for name, text in texts.items()}
