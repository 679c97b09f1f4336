"""Is this machine, and is the cluster, as training and serving need it? Facts in, findings out."""
