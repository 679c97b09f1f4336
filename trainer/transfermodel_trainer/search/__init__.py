"""spec.training.search: trials of settings, each a process of the Job; the best one's model is published."""
