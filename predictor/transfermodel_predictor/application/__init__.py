"""The HTTP application: paths, limits, and every error a sentence. It knows no protocol and no model."""
