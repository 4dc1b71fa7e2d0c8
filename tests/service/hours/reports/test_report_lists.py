"""Reports as lists."""

from __future__ import annotations

from attendance.service.hours.reports import report_lists
from tests.service.hours.reports.reported import SHEET


def test_a_second_is_paid_at_one_rate_by_day_and_week() -> None:
    table = report_lists.overtime_report([SHEET[0]])
    row = dict(zip([one.key for one in table.columns], table.rows[0], strict=True))

    assert row["worked"] == row["plain"] + row["rate_1.25"] + row["rate_1.5"]
    assert row["rate_1.25"] == 3600
