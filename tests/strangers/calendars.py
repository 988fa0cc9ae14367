"""What a reference implementation makes of calendars: a line of JSON for each file and each year.

usage: calendars.py FOLDER YEAR...   (needs icalendar and recurring-ical-events)
"""

import json
import signal
import sys
from datetime import datetime, timezone
from pathlib import Path

import icalendar
import recurring_ical_events

PATIENCE = 2  # seconds of processor time for a file and a year: some repeat by the second, and a busy machine is no reason


class TooLong(Exception):
    pass


def give_up(_signal, _frame):
    raise TooLong("takes too long")


def moment(value):
    if not isinstance(value, datetime):
        return value.strftime("%Y%m%d")
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    return value.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def events(calendars, year):
    # Half-open, and in UTC.
    begin, end = (datetime(y, 1, 1, tzinfo=timezone.utc) for y in (year, year + 1))
    found = []
    for calendar in calendars:
        for event in recurring_ical_events.of(calendar).between(begin, end):
            title = " ".join(str(event.get("SUMMARY", "")).split())
            found.append(f"{moment(event['DTSTART'].dt)} {title}")
    return sorted(found)


def main():
    folder, years = Path(sys.argv[1]), [int(y) for y in sys.argv[2:]]
    signal.signal(signal.SIGVTALRM, give_up)
    for path in sorted(folder.rglob("*.ics")):
        name = path.relative_to(folder).as_posix()
        for year in years:
            line = {"file": name, "year": year}
            signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
            try:
                calendars = icalendar.Calendar.from_ical(path.read_bytes(), multiple=True)
                calendars = [c for c in calendars if c.name == "VCALENDAR"]
                if not calendars:
                    raise ValueError("no calendar")
                line["events"] = events(calendars, year)
            except Exception as error:  # whatever a stranger's reader does with broken bytes
                line["error"] = f"{type(error).__name__}: {error}"[:200]
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            print(json.dumps(line), flush=True)


main()
