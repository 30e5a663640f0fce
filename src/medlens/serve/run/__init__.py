"""The service as a group of processes, and the file that configures it."""
