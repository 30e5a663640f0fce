"""Jobs: when a study is ready, who answers it, and its results, written once."""
