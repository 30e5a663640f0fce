"""The model package on disk."""

from medlens.bundle.load import load_bundle
from medlens.bundle.model import Bundle, Proof
from medlens.bundle.save import note_of, write_bundle

__all__ = ["Bundle", "Proof", "load_bundle", "note_of", "write_bundle"]
