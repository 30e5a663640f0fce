"""The client that others use, dicomweb-client, against the service unchanged."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
import pytest

from tests.serve.receive.files import dicom
from tests.serve.web.dicomweb.conftest import Served

pytest.importorskip("dicomweb_client")

from dicomweb_client.api import DICOMwebClient


def test_dicomweb_client_stores_searches_and_retrieves(served: Served) -> None:
    client = DICOMwebClient(url=f"{served.url}/dicom-web")
    client.set_http_retry_params(retry=False)
    sources = [pydicom.dcmread(BytesIO(dicom(i))) for i in range(3)]
    response = client.store_instances(sources)
    assert len(response.ReferencedSOPSequence) == 3
    study, series = sources[0].StudyInstanceUID, sources[0].SeriesInstanceUID

    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []
    (found,) = client.search_for_studies(search_filters={"PatientID": "P1"})
    assert found["0020000D"]["Value"] == [study]
    assert len(client.search_for_series(study)) == 1
    assert len(client.search_for_instances(study, series, limit=2)) == 2
    assert len(list(client.search_for_instances(study, get_remaining=True))) == 3

    back = client.retrieve_study(study)
    assert {each.SOPInstanceUID for each in back} == {
        each.SOPInstanceUID for each in sources
    }
    assert len(client.retrieve_series(study, series)) == 3
    assert len(client.retrieve_study_metadata(study)) == 3
    assert len(client.retrieve_series_metadata(study, series)) == 3

    one = sources[1]
    where = (study, series, one.SOPInstanceUID)
    again = client.retrieve_instance(*where)
    assert np.array_equal(again.pixel_array, one.pixel_array)
    metadata = client.retrieve_instance_metadata(*where)
    assert pydicom.Dataset.from_json(metadata, lambda _: b"").Rows == one.Rows
    frames = client.retrieve_instance_frames(*where, frame_numbers=[1])
    assert frames == [one.PixelData]
    (bulk,) = client.retrieve_bulkdata(metadata["7FE00010"]["BulkDataURI"])
    assert bulk == one.PixelData
    for media_type, magic in (("image/png", b"\x89PNG"), ("image/jpeg", b"\xff\xd8")):
        picture = client.retrieve_instance_rendered(*where, media_types=(media_type,))
        assert picture.startswith(magic)
