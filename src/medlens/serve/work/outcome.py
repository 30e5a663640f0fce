"""What a diagnosis makes of its study: answered or refused, and why."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from medlens.core import MedlensError
from medlens.core.diagnosis import Diagnosis
from medlens.serve.store.tables import results
from medlens.write.document import from_document

LONGEST_REASON = 2000


def outcome_of(diagnosis: Diagnosis, missing: Sequence[str] = ()) -> tuple[str, str]:
    """State of the study, and all that was not answered or not written, line by line.

    Args:
        diagnosis: of the study.
        missing: why an object of it could not be written.
    """
    is_answered = any(each.status == "assessed" for each in diagnosis.assessments)
    reasons = [f"{what}: {reason}" for what, reason in diagnosis.left_out]
    reasons += [
        f"{each.images[0].case}: {each.reason}"
        for each in diagnosis.assessments
        if each.reason and each.images
    ]
    reasons += missing
    state = "answered" if is_answered else "refused"
    return state, "\n".join(dict.fromkeys(reasons))[:LONGEST_REASON]


def earlier_outcome(
    connection: sa.Connection, study_id: int, inputs: str
) -> tuple[str, str]:
    """The outcome of the newest answer on the same images.

    Args:
        connection: to the index.
        study_id: our own number of the study.
        inputs: digest of the images.
    """
    found = connection.execute(
        sa.select(results.c.diagnosis)
        .where(
            results.c.study_id == study_id,
            results.c.inputs_digest == inputs,
            results.c.role == "active",
        )
        .order_by(results.c.id.desc())
        .limit(1)
    ).scalar()
    if found is None:
        return "refused", "its job ended without an answer; ask for one"
    try:
        return outcome_of(from_document(found))
    except MedlensError:  # of a version that this one does not read
        return "answered", ""
