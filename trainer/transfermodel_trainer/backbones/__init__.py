"""Pretrained networks: which there are, their weights, and how to part trunk and head."""
