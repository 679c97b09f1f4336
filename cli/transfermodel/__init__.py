"""TransferModel from Python: the same YAML, the same trainer, artifact and predictor as in a cluster."""
