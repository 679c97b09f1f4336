"""A first TransferModel file for a folder of images."""
