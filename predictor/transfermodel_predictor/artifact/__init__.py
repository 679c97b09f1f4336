"""The artifact: what training publishes and serving loads. Content-addressed, verified, no pickle."""
