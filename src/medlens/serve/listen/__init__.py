"""The DICOM listener: the upper layer (PS3.8), C-ECHO and C-STORE (PS3.7)."""
