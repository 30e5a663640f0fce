"""Studies, series and instances as received, and what could not be taken."""

from __future__ import annotations

import sqlalchemy as sa

from medlens.serve.store.tables.base import Digest, Id, Moment, Uid, metadata

studies = sa.Table(
    "studies",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("study_uid", Uid, nullable=False, unique=True),
    sa.Column("patient_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("issuer", sa.String(64), nullable=False, server_default=""),
    sa.Column("patient_name", sa.String(324), nullable=False, server_default=""),
    # Case-folded, accents kept, groups of the name joined: what a search looks at.
    sa.Column("name_key", sa.String(324), nullable=False, server_default=""),
    sa.Column("birth_date", sa.String(8), nullable=False, server_default=""),
    sa.Column("sex", sa.String(16), nullable=False, server_default=""),
    sa.Column("study_date", sa.String(8), nullable=False, server_default=""),
    sa.Column("study_time", sa.String(16), nullable=False, server_default=""),
    sa.Column("accession_number", sa.String(16), nullable=False, server_default=""),
    sa.Column("study_id", sa.String(16), nullable=False, server_default=""),
    sa.Column("description", sa.String(64), nullable=False, server_default=""),
    sa.Column("referring_physician", sa.String(324), nullable=False, server_default=""),
    # "\CT\SR\": each modality between backslashes, so that LIKE finds one.
    sa.Column("modalities", sa.String(255), nullable=False, server_default="\\"),
    sa.Column("series_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("instance_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("last_at", Moment, nullable=False),  # of the newest foreign instance
    # receiving → ready → running → answered | refused | failed; back to receiving
    # when more images arrive.
    sa.Column("state", sa.String(16), nullable=False, server_default="receiving"),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("urgency", sa.Double, nullable=False, server_default="0"),
    sa.Column("site", sa.String(64), nullable=False, server_default=""),
    sa.Index(None, "study_date", "id"),
    sa.Index(None, "patient_id"),
    sa.Index(None, "accession_number"),
    sa.Index(None, "name_key"),
    sa.Index(None, "state", "last_at"),
)

series = sa.Table(
    "series",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("study_id", Id, sa.ForeignKey("studies.id"), nullable=False),
    sa.Column("series_uid", Uid, nullable=False),
    sa.Column("modality", sa.String(16), nullable=False, server_default=""),
    sa.Column("number", sa.Integer),
    sa.Column("description", sa.String(64), nullable=False, server_default=""),
    sa.Column("body_part", sa.String(16), nullable=False, server_default=""),
    sa.Column("laterality", sa.String(16), nullable=False, server_default=""),
    sa.Column("protocol_name", sa.String(64), nullable=False, server_default=""),
    sa.Column("manufacturer", sa.String(64), nullable=False, server_default=""),
    sa.Column("station_name", sa.String(16), nullable=False, server_default=""),
    sa.Column("series_date", sa.String(8), nullable=False, server_default=""),
    sa.Column("series_time", sa.String(16), nullable=False, server_default=""),
    sa.Column("instance_count", sa.Integer, nullable=False, server_default="0"),
    # Made by this service: no rule ever looks at it.
    sa.Column("is_own", sa.Boolean, nullable=False, server_default=sa.false()),
    # The same Series Instance UID in another study is a series of its own.
    sa.UniqueConstraint("study_id", "series_uid"),
    sa.Index(None, "series_uid"),
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
    sa.Column("digest", Digest, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),  # dicom, stow, upload, own
    sa.Column("peer", sa.String(64), nullable=False, server_default=""),
    sa.Index(None, "series_id"),
    sa.Index(None, "study_id"),
    sa.Index(None, "digest"),
)

# Another instance under a UID that is taken: kept, never served as that instance.
conflicts = sa.Table(
    "conflicts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("instance_id", Id, sa.ForeignKey("instances.id"), nullable=False),
    sa.Column("digest", Digest, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    sa.Column("peer", sa.String(64), nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False),
    sa.UniqueConstraint("instance_id", "digest"),
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
)
