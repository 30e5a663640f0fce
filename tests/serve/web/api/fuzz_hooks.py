"""What schemathesis does not know of itself: bodies that are archives."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/zip", "application/dicom")
def as_bytes(ctx: schemathesis.SerializationContext, value: Any) -> bytes:
    """Whatever was made, as the bytes of a body."""
    del ctx
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else str(data).encode()
