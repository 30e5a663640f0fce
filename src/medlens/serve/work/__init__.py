"""Studies → jobs → diagnoses → results."""
