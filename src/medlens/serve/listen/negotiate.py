"""Which presentation contexts are taken, and with which transfer syntax.

Bytes are kept as they come, so the sender's own first choice is taken wherever the
object can be kept whole and read back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from medlens.serve.listen.associate import (
    ABSTRACT_UNKNOWN,
    ACCEPTED,
    TRANSFER_UNKNOWN,
    Context,
)

VERIFICATION = "1.2.840.10008.1.1"
STANDARD = "1.2.840.10008."
IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1."
"""Below it lie the storage classes, those of later editions too."""

NOT_STORAGE = frozenset(
    {
        "1.2.840.10008.1.3.10",  # Media Storage Directory
        "1.2.840.10008.1.20.1",  # Storage Commitment Push, Pull
        "1.2.840.10008.1.20.2",
        "1.2.840.10008.5.1.1.27",  # Stored Print, Hardcopy: parts of print management
        "1.2.840.10008.5.1.1.29",
        "1.2.840.10008.5.1.1.30",
    }
)

NOT_KEPT = frozenset(
    {
        # JPIP: the pixels stay at an address of the sender's choice.
        "1.2.840.10008.1.2.4.94",
        "1.2.840.10008.1.2.4.95",
        "1.2.840.10008.1.2.4.204",
        "1.2.840.10008.1.2.4.205",
        "1.2.840.10008.1.2.6.1",  # MIME and XML are no encodings of a data set
        "1.2.840.10008.1.2.6.2",
        "1.2.840.10008.1.2.7.1",  # SMPTE ST 2110: of streams
        "1.2.840.10008.1.2.7.2",
        "1.2.840.10008.1.2.7.3",
        "1.2.840.10008.1.20",  # Papyrus
    }
)

UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
LOOSE_UID = re.compile(r"[0-9]+(?:\.[0-9]+)+")


@dataclass(frozen=True)
class Accepted:
    """A context that both sides may use.

    Attributes:
        abstract_syntax, transfer_syntax: UIDs.
    """

    abstract_syntax: str
    transfer_syntax: str


def is_uid(text: str, *, strict: bool = True) -> bool:
    """True for a UID (PS3.5 section 9.1).

    Args:
        strict: False lets components start with 0, as old devices write them.
    """
    pattern = UID if strict else LOOSE_UID
    return len(text) <= 64 and pattern.fullmatch(text) is not None


@cache
def transfer_syntaxes() -> frozenset[str]:
    """Transfer syntaxes of the standard whose data sets can be kept whole."""
    from pydicom.uid import UID_dictionary

    known = {
        uid for uid, entry in UID_dictionary.items() if entry[1] == "Transfer Syntax"
    }
    return frozenset(known - NOT_KEPT)


@cache
def storage_classes() -> frozenset[str]:
    """Storage SOP classes of the standard, retired ones too."""
    from pydicom.uid import UID_dictionary

    known = {
        uid
        for uid, entry in UID_dictionary.items()
        if entry[1] == "SOP Class" and "Storage" in entry[0]
    }
    return frozenset(known - NOT_STORAGE)


def is_storage(abstract_syntax: str) -> bool:
    """True for a SOP class whose instances are kept.

    Those are the standard's, what a later edition may add beside them, and every
    private class: a sender that has one private object in a study would report the
    whole study as failed, and an object that nobody understands harms nobody.
    """
    if not is_uid(abstract_syntax, strict=False):
        return False
    return (
        not abstract_syntax.startswith(STANDARD)
        or abstract_syntax.startswith(IMAGE_STORAGE)
        or abstract_syntax in storage_classes()
    )


def negotiate(
    contexts: tuple[Context, ...],
) -> tuple[Mapping[int, tuple[int, str]], Mapping[int, Accepted]]:
    """Answer each proposed context.

    Returns:
        Context number → (result, transfer syntax) as the A-ASSOCIATE-AC tells them,
        and the accepted ones.
    """
    results: dict[int, tuple[int, str]] = {}
    accepted: dict[int, Accepted] = {}
    for context in contexts:
        if context.abstract_syntax != VERIFICATION and not is_storage(
            context.abstract_syntax
        ):
            results[context.number] = (ABSTRACT_UNKNOWN, "")
            continue
        syntax = next(
            (uid for uid in context.transfer_syntaxes if uid in transfer_syntaxes()), ""
        )
        results[context.number] = (ACCEPTED if syntax else TRANSFER_UNKNOWN, syntax)
        if syntax:
            accepted[context.number] = Accepted(context.abstract_syntax, syntax)
    return results, accepted
