"""Who asks, and what roles may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["viewer", "reader", "administrator"]
Right = Literal["view", "upload", "read", "administer"]
"""view: see studies and results; upload: put studies in; read: judge findings and
start work; administer: users, bundles, destinations, the trail."""

RIGHTS: dict[Role, frozenset[Right]] = {
    "viewer": frozenset({"view"}),
    "reader": frozenset({"view", "upload", "read"}),
    "administrator": frozenset({"view", "upload", "read", "administer"}),
}


@dataclass(frozen=True)
class Caller:
    """Somebody who was let in.

    Attributes:
        user_id: None for the demo's guest.
        name: of the user, for the trail.
        role: of the user.
        rights: of the role, narrowed by a token's scopes.
        address: where the request came from.
        is_token: came with an API token, so that no cookie is involved.
    """

    user_id: int | None
    name: str
    role: Role
    rights: frozenset[Right]
    address: str = ""
    is_token: bool = False
