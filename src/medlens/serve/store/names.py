"""Names of persons as a search sees them."""

from __future__ import annotations

import unicodedata


def name_key(name: str) -> str:
    """What a search for a name looks at: case-folded, empty parts left out.

    PS3.4 C.2.2.2.1 leaves it to us whether case counts in names; the groups of a
    name stay joined by "=".
    """
    folded = unicodedata.normalize("NFC", name).casefold()
    groups = (group.rstrip("^ ") for group in folded.split("="))
    return "=".join(groups).rstrip("=")
