"""What can go wrong in delivery. Texts name no address, no content, and nothing of a secret."""


class DeliveryError(Exception):
    """Root of this package's errors."""


class StoreUnavailable(DeliveryError):
    """The database or the blob files cannot be used now; nothing was kept, and the caller may try again later.

    `certain` is False where it could not be learnt whether the commit happened: then nothing that it may refer to
    (a blob file) may be taken away. `hint`: what an admin can do, where that is known.
    """

    def __init__(self, message: str, *, certain: bool = True, hint: str = "") -> None:
        super().__init__(message)
        self.certain = certain
        self.hint = hint


class StoreFull(StoreUnavailable):
    """There is no room left: 452 at the door."""


class KeysUnavailable(StoreUnavailable):
    """The keyring or its backend does not give the key that is needed."""


class SchemaOutdated(StoreUnavailable):
    """The database's schema is not the one this version works with; the text says the next step."""


class StoreConflict(DeliveryError):
    """A unique key or reference forbids the row, and the work did not expect that."""
