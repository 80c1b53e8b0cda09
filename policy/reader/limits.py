"""How much of one message is read before it counts as unreadable."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """Ends of every loop over somebody else's bytes. What lies past one is told as an unreadable file."""

    nesting: int = 40  # multiparts and messages inside each other
    parts: int = 2_000  # MIME parts of one message
    headers: int = 2_000  # header fields of one part
    readings: int = 120  # further ways to read ambiguous parts of one message
    work: int = 32  # bytes looked at, as a multiple of the message's size
    archive_depth: int = 12  # files packed in files
    archive_files: int = 5_000  # files unpacked from one attachment
    unpacked_bytes: int = 256 * 1024 * 1024  # of all files of one attachment together
    ratio: int = 300  # unpacked to packed, looked at from ratio_floor on
    ratio_floor: int = 8 * 1024 * 1024
    text_chars: int = 64 * 1024 * 1024  # text given out for one attachment
    xml_bytes: int = 128 * 1024 * 1024  # one XML part of a document


DEFAULT_LIMITS = Limits()


@dataclass(slots=True)
class Budget:
    """What is left of the limits while one attachment of `size` bytes is unpacked, at all depths together."""

    limits: Limits = DEFAULT_LIMITS
    size: int = 0
    mails: int = field(default=0, init=False)  # bytes of mails within it, each time that they are read
    files: int = field(default=0, init=False)
    unpacked: int = field(default=0, init=False)
    chars: int = field(default=0, init=False)

    def take_file(self) -> bool:
        """Count one more file; False once there are too many."""
        self.files += 1
        return self.files <= self.limits.archive_files

    def room(self) -> int:
        """How many bytes may still be unpacked."""
        return max(0, self.limits.unpacked_bytes - self.unpacked)

    def take_bytes(self, count: int) -> bool:
        """Count unpacked bytes; False once there are too many."""
        self.unpacked += count
        return self.unpacked <= self.limits.unpacked_bytes

    def take_mail(self, count: int) -> bool:
        """Count the bytes of a mail; False where mails in mails, each read in several ways, would be read for ever."""
        self.mails += count
        return self.mails <= self.limits.work * (self.size + self.unpacked)

    def take_text(self, count: int) -> bool:
        """Count characters given out; False once there are too many."""
        self.chars += count
        return self.chars <= self.limits.text_chars
