"""Studies are removed for good by administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from starlette.convertors import Convertor, register_url_convertor

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.store.keep import remove_study as remove
from medlens.serve.web.api.fields import IfMatch, StudyNumber
from medlens.serve.web.api.studies import whole_study
from medlens.serve.web.etag import check_match
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1/studies", tags=["studies"])


class _Digits(Convertor[str]):
    """A number in an address: words such as "counts" are no studies to remove."""

    regex = "[0-9]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("digits", _Digits())


@router.delete("/{study:digits}", status_code=204)
def remove_study(
    study: StudyNumber,
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("administer"))],
    if_match: IfMatch = "",
) -> Response:
    """Remove a study, its results and their files for good; the trail stays."""
    with service.store.read() as connection:
        check_match(if_match, whole_study(connection, study))
    # The line comes first: a removal that broke off is in the trail as well.
    record(service.store, caller, "remove study", study_id=study)
    remove(service.store, study)
    return Response(status_code=204)
