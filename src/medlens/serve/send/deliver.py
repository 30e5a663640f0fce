"""One call for every kind of destination."""

from __future__ import annotations

from collections.abc import Sequence

from medlens.serve.send.errors import SendError
from medlens.serve.send.objects import SentObject
from medlens.serve.settings import Peer


def send_objects(
    peer: Peer, files: Sequence[SentObject], *, ae_title: str = "MEDLENS"
) -> None:
    """Send objects to a destination: STOW-RS where it has a URL, C-STORE otherwise.

    All objects are tried. An object that is there already counts as sent, so that the
    same call may be made again after a failure.

    Args:
        peer: the destination.
        files: what is sent, in this order.
        ae_title: that we call ourselves.

    Raises:
        SendError: some objects were not taken; `is_final` says whether another try
            can help.
    """
    if not files:
        return
    if peer.url:
        from medlens.serve.send.stow import stow

        stow(peer, files)
    elif peer.host and peer.port:
        from medlens.serve.send.storage import store

        store(peer, files, ae_title=ae_title)
    else:
        raise SendError(
            f"destination {peer.name}: has neither url nor host and port; "
            "add them to its entry in the settings",
            is_final=True,
            failed=len(files),
        )
