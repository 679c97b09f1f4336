"""TransferModels in a cluster: the only package of the library that talks to an API server."""
