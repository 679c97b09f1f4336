"""The InferenceService's program: one image classifier, read by URI, answering over HTTP."""
