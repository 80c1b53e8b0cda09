"""What can go wrong with keys. No text here ever holds a secret, a plaintext or a token."""


class KeysError(Exception):
    """Root of this package's errors. `hint` says the next step to a person, where there is one."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class KeyMissing(KeysError):
    """The key that wraps this is not in the keyring."""


class SealBroken(KeysError):
    """The bytes are not what was sealed: torn, changed, reordered, or bound to something else."""


class WrongKey(KeysError):
    """The bytes are whole, but this is not the key that they were made with."""


class KeyringInvalid(KeysError):
    """The keyring cannot be used: unreadable, malformed, or open to others."""


class BackendDown(KeysError):
    """What keeps the keys does not answer now; later it may."""
