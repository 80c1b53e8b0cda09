"""More ways to prove who one is: passkeys, second factors, remembered devices, telephones, questions.

Sessions end with it: they did not say by which way they were opened. Everybody signs in once more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """New tables, and the way beside codes and sessions."""
    op.execute("DELETE FROM sessions")
    op.add_column("sessions", sa.Column("way", sa.String(16), nullable=False, server_default="code"))
    op.add_column("sessions", sa.Column("strong", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sessions", sa.Column("remembered", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("codes", sa.Column("way", sa.String(16), nullable=False, server_default="code"))
    _signin()
    _account()
    op.create_table(
        "proofs",
        sa.Column("participant_id", sa.String(32), sa.ForeignKey("participants.id"), nullable=False),
        _namespace(),
        sa.Column("box_id", sa.String(32), sa.ForeignKey("boxes.id"), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary()),
        sa.Column("phone_from", sa.String(16)),
        sa.Column("phone_confirmed_at", sa.BigInteger()),
        sa.Column("question_sealed", sa.LargeBinary()),
        sa.Column("answer", sa.Text()),
        sa.PrimaryKeyConstraint("participant_id"),
    )
    op.create_index("proofs_box", "proofs", ["box_id"])


def _namespace() -> sa.Column[str]:
    return sa.Column("namespace", sa.String(63), sa.ForeignKey("namespaces.name"), nullable=False)


def _signin() -> None:
    op.create_table(
        "challenges",
        sa.Column("id", sa.String(32), nullable=False),
        _namespace(),
        sa.Column("browser", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("challenges_browser", "challenges", ["browser", "purpose"])
    op.create_table(
        "devices",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        _namespace(),
        sa.Column("way", sa.String(16), nullable=False),
        sa.Column("phone", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("proven_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "address_key"),
    )
    op.create_index("devices_address", "devices", ["namespace", "address_key"])


def _account() -> None:
    op.create_table(
        "passkeys",
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        _namespace(),
        sa.Column("account_id", sa.String(32), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("credential"),
    )
    op.create_index("passkeys_account", "passkeys", ["account_id"])
    op.create_table(
        "second_factors",
        sa.Column("account_id", sa.String(32), sa.ForeignKey("accounts.id"), nullable=False),
        _namespace(),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger()),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _namespace(),
        sa.Column("account_id", sa.String(32), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("recovery_codes_account", "recovery_codes", ["account_id"])
