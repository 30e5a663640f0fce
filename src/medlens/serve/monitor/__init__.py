"""Living with a model: readers' verdicts, drift, alarms, shadows."""
