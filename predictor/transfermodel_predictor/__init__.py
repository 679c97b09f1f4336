"""The InferenceService's program: one classifier, read by URI, answering over HTTP."""

__version__ = "0.1.0"
"""That of the distribution; in the image there is only the code."""
