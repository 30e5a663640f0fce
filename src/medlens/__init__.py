"""medlens: from a folder of medical images and labels to a service."""

__version__ = "0.1.0"
