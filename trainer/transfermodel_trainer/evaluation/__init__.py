"""How good the model is, and whether what is served is what was measured."""
