"""A one-node Kubernetes cluster with the real serving stack, built from package registries alone."""
