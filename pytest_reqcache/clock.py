"""The one place where the time is read, at call time, so that mocked clocks move freshness."""

from __future__ import annotations

import datetime


def now() -> datetime.datetime:
    """The time in UTC, in whole milliseconds: what a cassette can hold."""
    moment = datetime.datetime.now(datetime.timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
