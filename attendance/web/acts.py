"""An act of a form: one transaction, then what was done or what is wrong as a notice, then another page.

In: the work, the address to go to.  Out: a redirect.
Does not know: what is changed, who may do it.
Main choice: the work returns its words, because rows can be read only while their transaction lasts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.web.errors import error_sentence
from attendance.web.listing import listed
from attendance.web.site import current_site

log = logging.getLogger(__name__)
Work = Callable[[Session, datetime], str]


def done(work: Work, target: str, *, by: str | None = None) -> ResponseReturnValue:
    """Do `work` with a session and the present instant, then redirect; after an error of the user nothing is changed.

    A list is shown again as it was searched, sorted and paged.
    `by`: who does it, for the log; None: the operator who is signed in.
    """
    site = current_site()
    try:
        with site.sessions.begin() as session:
            words = work(session, site.clock.now())
    except UserError as error:
        flash(error_sentence(error), "danger")
    else:
        log.info("%s: %s", current_user.username if by is None else by, words)
        flash(words, "success")
    return redirect(listed(target))
