"""Server-sent events, parsed (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from medlens.client.models import Job, JobEvent, StudyChange, build


def read_events(lines: Iterable[str]) -> Iterator[JobEvent]:
    """Events from the lines of a stream; comments and unknown kinds are left out."""
    number, kind, data = "", "message", ""
    for line in lines:
        if not line:
            if data and kind in ("job", "study", "reset"):
                said = json.loads(data)
                job = build(Job, said) if kind == "job" else None
                study = build(StudyChange, said) if kind == "study" else None
                yield JobEvent(number, kind, job, study)
            kind, data = "message", ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            number = value
        elif name == "event":
            kind = value
        elif name == "data":
            data += value
