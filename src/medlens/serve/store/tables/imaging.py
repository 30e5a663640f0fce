"""Studies, series and instances as received, and what could not be taken."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from medlens.serve.store.tables.base import (
    NAMES_FILE,
    Digest,
    Id,
    Json,
    Moment,
    Uid,
    key,
    metadata,
)

# Names of several groups ("Wang^XiaoDong=王^小东"), each of which a search may mean.
_several = sa.text("replace(name_key, '=', '') <> name_key")
_with_groups: Any = {"sqlite_where": _several, "postgresql_where": _several}

_FILTERED = ("state", "reading", "advice", "modalities", "study_date")

studies = sa.Table(
    "studies",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("study_uid", Uid, nullable=False, unique=True),
    sa.Column("patient_id", key(64), nullable=False, server_default=""),
    sa.Column("issuer", key(64), nullable=False, server_default=""),
    sa.Column("patient_name", key(324), nullable=False, server_default=""),
    # Case-folded, accents kept, groups of the name joined: what a search looks at.
    sa.Column("name_key", key(324), nullable=False, server_default=""),
    sa.Column("birth_date", key(8), nullable=False, server_default=""),
    sa.Column("sex", key(16), nullable=False, server_default=""),
    sa.Column("study_date", key(8), nullable=False, server_default=""),
    sa.Column("study_time", key(16), nullable=False, server_default=""),
    sa.Column("accession_number", key(16), nullable=False, server_default=""),
    sa.Column("study_id", key(16), nullable=False, server_default=""),
    sa.Column("description", key(64), nullable=False, server_default=""),
    sa.Column("referring_physician", key(324), nullable=False, server_default=""),
    # "\CT\SR\": each modality between backslashes, so that LIKE finds one.
    sa.Column("modalities", key(255), nullable=False, server_default="\\"),
    sa.Column("series_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("instance_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("last_at", Moment, nullable=False),  # of the newest foreign instance
    # Study Date and Time in the zone of the service; without a date `received_at`.
    sa.Column("began_at", Moment, nullable=False, server_default="0"),
    # receiving → ready → running → answered | refused | failed; back to receiving
    # when more images arrive.
    sa.Column("state", key(16), nullable=False, server_default="receiving"),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("urgency", sa.Double, nullable=False, server_default="0"),
    sa.Column("site", key(64), nullable=False, server_default=""),
    # What the newest result says in a line of the worklist; none before there is one.
    sa.Column("headline", Json),
    sa.Column("advice", key(24), nullable=False, server_default=""),  # of the headline
    # unread → begun (somebody drafts a report) → signed; unread again when a newer
    # result or image comes.
    sa.Column("reading", key(16), nullable=False, server_default="unread"),
    sa.Column("read_at", Moment),  # the newest signed report
    # Of anything in the line, so that open worklists hear of it.
    sa.Column(
        "changed_at",
        Moment,
        nullable=False,
        default=time.time,
        onupdate=time.time,
        server_default="0",
    ),
    # Each holds all that a search for a page of ids looks at.
    sa.Index("ix_studies_date", "study_date", "id", "modalities", "name_key"),
    sa.Index("ix_studies_name", "name_key", "study_date", "id"),
    sa.Index("ix_studies_name_groups", "name_key", **_with_groups),
    sa.Index(None, "patient_id"),
    sa.Index(None, "accession_number"),
    sa.Index("ix_studies_state", "state", "last_at", "id"),
    # The two orders of the worklist, each with all that a page is filtered by.
    sa.Index("ix_studies_newest", "began_at", "last_at", "id", *_FILTERED),
    sa.Index("ix_studies_urgency", "urgency", "last_at", "id", *_FILTERED),
    sa.Index("ix_studies_last", "last_at", "id"),  # what is kept too long
    sa.Index("ix_studies_reading", "reading", "state", "advice"),  # what is counted
    sa.Index(None, "description"),
    sa.Index("ix_studies_changed", "changed_at", "id"),
    sqlite_autoincrement=True,
)

series = sa.Table(
    "series",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("study_id", Id, sa.ForeignKey("studies.id"), nullable=False),
    sa.Column("series_uid", Uid, nullable=False),
    sa.Column("modality", key(16), nullable=False, server_default=""),
    sa.Column("number", sa.Integer),
    sa.Column("description", key(64), nullable=False, server_default=""),
    sa.Column("body_part", key(16), nullable=False, server_default=""),
    sa.Column("laterality", key(16), nullable=False, server_default=""),
    sa.Column("protocol_name", key(64), nullable=False, server_default=""),
    sa.Column("manufacturer", key(64), nullable=False, server_default=""),
    sa.Column("station_name", key(16), nullable=False, server_default=""),
    sa.Column("series_date", key(8), nullable=False, server_default=""),
    sa.Column("series_time", key(16), nullable=False, server_default=""),
    sa.Column("instance_count", sa.Integer, nullable=False, server_default="0"),
    # Made by this service: no rule ever looks at it.
    sa.Column("is_own", sa.Boolean, nullable=False, server_default=sa.false()),
    # The same Series Instance UID in another study is a series of its own.
    sa.UniqueConstraint("study_id", "series_uid"),
    sa.Index(None, "series_uid"),
    sqlite_autoincrement=True,
)

instances = sa.Table(
    "instances",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("series_id", Id, sa.ForeignKey("series.id"), nullable=False),
    sa.Column("study_id", Id, sa.ForeignKey("studies.id"), nullable=False),
    sa.Column("sop_uid", Uid, nullable=False, unique=True),
    sa.Column("sop_class", Uid, nullable=False),
    sa.Column("transfer_syntax", Uid, nullable=False),
    sa.Column("number", sa.Integer),
    sa.Column("rows", sa.Integer),
    sa.Column("columns", sa.Integer),
    sa.Column("frames", sa.Integer),
    sa.Column("digest", Digest, nullable=False, info=NAMES_FILE),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("origin", key(16), nullable=False),  # dicom, stow, upload, own
    sa.Column("peer", key(64), nullable=False, server_default=""),
    sa.Index(None, "series_id"),
    sa.Index(None, "study_id"),
    sa.Index(None, "digest"),
    sqlite_autoincrement=True,
)

# Another instance under a UID that is taken: kept, never served as that instance.
conflicts = sa.Table(
    "conflicts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("instance_id", Id, sa.ForeignKey("instances.id"), nullable=False),
    sa.Column("digest", Digest, nullable=False, info=NAMES_FILE),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    sa.Column("peer", sa.String(64), nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False),
    sa.UniqueConstraint("instance_id", "digest"),
    sqlite_autoincrement=True,
)

# What came and was not taken: no bytes are kept, the reason is.
refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    sa.Column("peer", sa.String(64), nullable=False, server_default=""),
    sa.Column("case", sa.String(128), nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index(None, "received_at"),
    sqlite_autoincrement=True,
)
