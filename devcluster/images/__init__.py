"""Container images without a registry: small ones for the add-ons, and the project's own from its Dockerfile."""
