"""The InferenceService's program: one classifier, read by URI, answering over HTTP."""
