"""Labelled images: found, fetched, checked, decoded and split."""
