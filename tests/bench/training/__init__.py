"""Training against its baselines: both sides in one process, on the same decoded samples, by turns."""
