"""Results on their way to PACS: C-STORE and STOW-RS."""

from medlens.serve.send.deliver import send_objects
from medlens.serve.send.errors import SendError
from medlens.serve.send.objects import SentObject

__all__ = ["SendError", "SentObject", "send_objects"]
