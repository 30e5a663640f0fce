"""What a reader measured on the images of a study."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.web.api.fields import StudyNumber
from medlens.serve.web.api.measurement_models import (
    MeasurementsSave,
    MeasurementsView,
    view_of_measurements,
)
from medlens.serve.web.api.studies import study_row
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.measurements import (
    MeasurementsChangedError,
    read_measurements,
    save_measurements,
)

router = APIRouter(prefix="/api/v1/studies/{study}/measurements", tags=["reports"])
ServiceHere = Annotated[Service, Depends(service_of)]


@router.get("", response_model=MeasurementsView)
def read_mine(
    study: StudyNumber,
    service: ServiceHere,
    caller: Annotated[Caller, Depends(may("view"))],
) -> MeasurementsView:
    """The caller's own measurements on a study; nobody else is shown them."""
    with service.store.read() as connection:
        study_row(connection, study)
        found = read_measurements(connection, study, caller.user_id)
    note_look(service, caller, "view measurements", study)
    return view_of_measurements(found)


@router.put("", response_model=MeasurementsView)
def save_mine(
    study: StudyNumber,
    said: MeasurementsSave,
    service: ServiceHere,
    caller: Annotated[Caller, Depends(may("read"))],
) -> MeasurementsView:
    """Save all of the caller's measurements over the revision that they saw."""
    shapes = [each.model_dump(mode="json") for each in said.shapes]
    try:
        with service.store.begin() as connection:
            study_row(connection, study, hold=True)
            saved = save_measurements(
                connection,
                study,
                caller.user_id,
                shapes,
                revision=said.revision,
                now=time.time(),
            )
            detail = {"revision": saved.revision, "count": len(shapes)}
            record(
                connection, caller, "save measurements", study_id=study, detail=detail
            )
    except MeasurementsChangedError as error:
        raise Problem(409, str(error), kind="measurements-changed") from None
    return view_of_measurements(saved)
