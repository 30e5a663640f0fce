"""The web side: DICOMweb, REST API and pages."""
