"""The model package on disk."""

from medlens.bundle.load import load_bundle
from medlens.bundle.model import Bundle
from medlens.bundle.save import note_of, write_bundle

__all__ = ["Bundle", "load_bundle", "note_of", "write_bundle"]
