"""What is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"


@dataclass(frozen=True)
class SentObject:
    """A Part-10 file and what it holds.

    Attributes:
        path: of the file.
        sop_class, sop_uid: of the instance.
        transfer_syntax: of the file.
    """

    path: Path
    sop_class: str = field(repr=False)
    sop_uid: str = field(repr=False)
    transfer_syntax: str = field(default=EXPLICIT_VR_LITTLE_ENDIAN, repr=False)
