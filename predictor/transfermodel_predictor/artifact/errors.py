"""What can go wrong with storage and artifacts, each with a sentence for people."""


class StorageError(Exception):
    """Storage did not do what was asked."""


class StorageNotFound(StorageError):
    """There is no such bucket or object."""


class StorageAccessDenied(StorageError):
    """The credentials are wrong, missing or not sufficient."""


class StorageUnavailable(StorageError):
    """Storage did not answer, or not sensibly; it may later."""


class ArtifactError(Exception):
    """The artifact cannot be used."""


class DigestMismatch(ArtifactError):
    """What is stored is not what was published."""


class InvalidArtifact(ArtifactError):
    """A file of the artifact is missing or cannot be understood."""
