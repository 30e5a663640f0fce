"""A reader's report on a study → text, PDF, DICOM and FHIR."""
