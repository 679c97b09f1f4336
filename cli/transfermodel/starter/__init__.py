"""A first TransferModel file for a folder of images."""

from transfermodel.starter.start import Started, start

__all__ = ["Started", "start"]
