"""Results on their way to PACS: C-STORE and STOW-RS."""
