"""Everything that can be wrong with an artifact or the storage that holds it; each message is a whole sentence."""


class ArtifactError(Exception):
    """An artifact cannot be used, or storage cannot be reached."""


class ArtifactCorrupt(ArtifactError):
    """A file is not what its digest says; never to be used."""


class ArtifactMalformed(ArtifactError):
    """A file is what its digest says, and yet cannot be read as what it should be."""


class LoadingHangs(ArtifactError):
    """The model is not there when it should be."""


class StorageError(ArtifactError):
    """Storage did not do what it was asked."""


class StorageNotFound(StorageError):
    """The bucket or the object does not exist."""


class StorageAccessDenied(StorageError):
    """The credentials are wrong, or do not allow this."""


class StorageUnavailable(StorageError):
    """Storage does not answer, or fails; the only storage error that may pass by itself."""


class StorageUriInvalid(StorageError):
    """The URI is not one of a kind that can be read."""
