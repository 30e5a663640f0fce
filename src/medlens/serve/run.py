"""The service as a group of processes."""
