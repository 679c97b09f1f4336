"""Asking a served model: the same for a server on this machine and for one in a cluster."""
