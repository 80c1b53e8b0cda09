"""The tables of people at the portal: accounts, codes, sessions, and what else proves who somebody is."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from delivery.store.schema import UtcTime, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("address", Text, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("password", Text, nullable=False),  # Argon2id, PHC string; empty: signs in by passkey alone
    Column("phrase_sealed", LargeBinary),  # the personal phrase put into notices
    Column("created_at", UtcTime, nullable=False),
    Column("proven_at", UtcTime, nullable=False),  # when the address was last proven by a code
    UniqueConstraint("namespace", "address_key"),
)

codes = Table(
    "codes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("participant_id", String(32), nullable=False),
    Column(
        "browser", LargeBinary, nullable=False
    ),  # digest of the browser's own cookie: a code works only where asked for
    Column("digest", LargeBinary, nullable=False),  # keyed digest of the code
    Column("way", String(16), nullable=False, server_default="code"),  # code (by mail) | sms | voice
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("used_at", UtcTime),
    Index("codes_participant", "participant_id", "created_at"),
)

throttles = Table(
    "throttles",
    metadata,
    Column("key", String(160), primary_key=True),  # what is limited, e.g. `code:PARTICIPANT`, `network:DIGEST`
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("window_at", UtcTime, nullable=False),
    Column("count", Integer, nullable=False),
    Column("locked_until", UtcTime),
    Column("locks", Integer, nullable=False),  # lock times double
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of the cookie's token
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("account_id", String(32)),
    Column("participant_id", String(32)),  # signed in for this participant only, not by account
    Column("owner", Text),  # the address of a sender who signed in to their own boxes: such a session opens no letter
    Column("way", String(16), nullable=False, server_default="code"),  # delivery.safebox.participants.Way
    Column("strong", Boolean, nullable=False, server_default=false()),  # by passkey, or with a second factor
    Column("remembered", Boolean, nullable=False, server_default=false()),  # the browser was: nothing was typed in it
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("sessions_expires", "expires_at"),
)

# What a browser was asked to prove, and has not yet: a passkey's challenge, a second factor after a password.
challenges = Table(
    "challenges",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("browser", LargeBinary, nullable=False),  # digest of the cookie it was given to: it counts there alone
    Column("purpose", String(16), nullable=False),  # delivery.store.challenges.Purpose
    Column("data", LargeBinary, nullable=False),  # what is to be answered, or whose account it is
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Index("challenges_browser", "browser", "purpose"),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("credential", LargeBinary, primary_key=True),  # the id that the authenticator gave it
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),  # COSE
    Column("sign_count", BigInteger, nullable=False),  # 0 where the authenticator keeps none
    Column("backed_up", Boolean, nullable=False),  # copied between devices by whoever keeps it
    Column("created_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Index("passkeys_account", "account_id"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),  # RFC 6238: 160 bits
    Column("created_at", UtcTime, nullable=False),
    Column("confirmed_at", UtcTime),  # NULL, of old: no code of it was typed in; asks nothing of anybody
    Column("last_step", BigInteger, nullable=False),  # the newest time step whose code was taken: none counts twice
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # keyed, bound to the account
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("used_at", UtcTime),
    Index("recovery_codes_account", "account_id"),
)

# Browsers that need no new code for a while: `remember_device` of the profile.
devices = Table(
    "devices",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of the cookie's token
    Column("address_key", Text, primary_key=True),  # whose codes it needs no more of
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("way", String(16), nullable=False),  # how it was proven: code | sms | voice
    Column("phone", String(64), nullable=False),  # keyed digest of the number; empty: by mail
    Column("agent", String(200), nullable=False),  # the browser's name of itself, to know it again by
    Column("proven_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("devices_address", "namespace", "address_key"),
)

# What else a guest may prove themselves by, in one box: where to call them, what to ask them.
proofs = Table(
    "proofs",
    metadata,
    Column("participant_id", ForeignKey("participants.id"), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("box_id", ForeignKey("boxes.id"), nullable=False),
    Column("phone_sealed", LargeBinary),  # E.164, under the box's key
    Column("phone_from", String(16)),  # delivery.safebox.proving.PhoneFrom; `guest` counts once it is confirmed
    Column("phone_confirmed_at", UtcTime),
    Column("question_sealed", LargeBinary),
    Column("answer", Text),  # Argon2id of the normalised answer, PHC string
    Index("proofs_box", "box_id"),
)

# What people chose to be spoken to in, at the portal: guests and senders alike.
languages = Table(
    "languages",
    metadata,
    Column("namespace", ForeignKey("namespaces.name"), primary_key=True),
    Column("address_key", Text, primary_key=True),
    Column("language", String(16), nullable=False),  # delivery.languages.Language
    Column("used_at", UtcTime, nullable=False),  # when they last chose it, or signed in with it
    Index("languages_used", "used_at"),
)
