"""A client of `medlens serve`: upload, wait, read the diagnosis, fetch the objects.

Needs httpx: `pip install 'medlens[client]'`.

Example:
    from medlens.client import Client

    with Client("http://127.0.0.1:8000", token="medlens_…") as client:
        upload = client.upload("chest.dcm")
        result = client.wait_for_result(upload.studies[0])
        print(client.text(result.id))
"""

from medlens.client.bundles import Evaluation, ServedBundle
from medlens.client.client import Client
from medlens.client.errors import ClientError
from medlens.client.models import (
    Entry,
    Job,
    JobEvent,
    Result,
    ResultObject,
    Study,
    StudyChange,
    Upload,
)
from medlens.client.reports import Report, ReportVersion
from medlens.client.words import Export, ReaderObject, Word

__all__ = [
    "Client",
    "ClientError",
    "Entry",
    "Evaluation",
    "Export",
    "Job",
    "JobEvent",
    "ReaderObject",
    "Report",
    "ReportVersion",
    "Result",
    "ResultObject",
    "ServedBundle",
    "Study",
    "StudyChange",
    "Upload",
    "Word",
]
