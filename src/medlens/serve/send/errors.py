"""Why results did not arrive, and whether another try could help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from medlens.core import MedlensError


class SendError(MedlensError):
    """Objects were not taken by a destination.

    Args:
        message: names the destination and counts; no UID, no patient.
        is_final: another try would end in the same way.
        failed: how many objects were not taken.
    """

    def __init__(self, message: str, *, is_final: bool, failed: int = 0) -> None:
        super().__init__(message)
        self.is_final, self.failed = is_final, failed


@dataclass(frozen=True)
class Failure:
    """Why one object was not taken.

    Attributes:
        reason: for a person.
        is_final: another try would end in the same way.
    """

    reason: str
    is_final: bool


# PS3.7 annex C, PS3.4 table B.2-1, PS3.18 table 10.5.3-1.
_TAKEN = frozenset({0x0000, 0x0111, 0xB000, 0xB006, 0xB007})
_REASONS = {
    0x0110: "processing failure",
    0x0117: "its UID is not taken",
    0x0122: "its SOP class is not taken",
    0x0124: "not authorised",
    0x0211: "C-STORE is not known",
    0x0213: "resource limitation",
}
_FINAL = frozenset({0x0117, 0x0122, 0x0124, 0x0211, 0x0212})


def judge(status: int) -> Failure | None:
    """What a status of C-STORE, or a failure reason of STOW-RS, means for an object.

    An object that is there already (0111H) is taken, and so is one with a warning.

    Returns:
        None when it was taken.
    """
    if status in _TAKEN:
        return None
    kind = status >> 8
    if kind == 0xA7:
        return Failure(f"out of resources ({status:04X}H)", False)
    if kind == 0xA9:
        return Failure(f"does not match its SOP class ({status:04X}H)", True)
    if kind >> 4 == 0xC:
        return Failure(f"not understood ({status:04X}H)", True)
    reason = _REASONS.get(status, "failed")
    return Failure(f"{reason} ({status:04X}H)", status in _FINAL)


def raise_for(peer: str, failures: Sequence[Failure], total: int) -> None:
    """Tell of all that was not taken, counted by reason.

    Args:
        peer: name of the destination.
        failures: of the objects that were not taken.
        total: objects in all.

    Raises:
        SendError: there are failures; final when all of them are.
    """
    if not failures:
        return
    counted = Counter(failure.reason for failure in failures)
    why = "; ".join(f"{reason}: {count}" for reason, count in counted.most_common(5))
    is_final = all(failure.is_final for failure in failures)
    raise SendError(
        f"destination {peer}: {len(failures)} of {total} objects were not taken "
        f"({why}); " + ("ask who runs it" if is_final else "they are sent again later"),
        is_final=is_final,
        failed=len(failures),
    )
