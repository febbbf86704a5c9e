"""What can go wrong with an object store, whatever it is made of."""

from shared.errors import ConfigurationError, StrongroomError, TransientError


class ObjectMissing(StrongroomError):
    """There is no object under this key."""


class UploadMissing(StrongroomError):
    """There is no unfinished upload of this key and id, or it does not hold the parts that were named."""


class IncompleteBody(StrongroomError):
    """The source ended before the promised number of bytes; nothing was stored."""


class StoreUnavailable(TransientError):
    """The object store is away, broke off, or answers with a passing fault."""


class SourceReplaced(StoreUnavailable):
    """The object was replaced while it was copied: what was copied of it is of no use."""


class StoreRefused(ConfigurationError):
    """The object store refuses us: credentials, bucket, folder or permissions are wrong."""

    code = ""
    """What S3 calls the refusal; empty if it was none of S3's."""

    said = ""
    """The words of the server, which may name the object: for its owner, and not for logs."""
