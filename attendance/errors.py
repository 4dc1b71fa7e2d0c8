"""The one error that is the user's to mend.

In: a sentence.  Out: an exception that the command line prints as one line and ends with exit code 2.
Does not know: who shows it.
"""

from __future__ import annotations


class UserError(Exception):
    """Wrong input by the user; its text says what to do."""
