"""DICOM files → Image: the pixel chain of PS3.3 and PS3.5, one step a module."""

from medlens.read.dicom.image import count_frames, read_dicom

__all__ = ["count_frames", "read_dicom"]
