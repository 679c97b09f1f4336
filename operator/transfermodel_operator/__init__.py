"""The operator: one TransferModel object in, a training Job and an InferenceService out."""
