"""The load generator: a process of its own that asks a server of this machine, bounded in count and time."""
