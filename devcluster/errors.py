"""The errors that end a command. Their text is what the person reads: what is wrong and what to do."""


class DevclusterError(Exception):
    """The cluster could not be brought up, changed or ended."""


class PrerequisiteError(DevclusterError):
    """This machine lacks something that the scripts cannot or must not arrange by themselves."""


class BuildError(DevclusterError):
    """A program could not be built."""


class ProcessError(DevclusterError):
    """A process of the cluster ended or did not become healthy in time."""
