"""Trainer and predictor as processes of this machine."""
