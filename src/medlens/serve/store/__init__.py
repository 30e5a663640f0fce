"""What was received and what was made of it: files by digest, and their index."""
