"""The data dictionary, continued: what is known of other domains' TLS. `schema.py` says what holds for all tables."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table, Text

from delivery.store.schema import UtcTime, metadata

# MTA-STS policies (RFC 8461) of domains that we have sent to. They count until they expire, whatever DNS says by then.
sts_policies = Table(
    "sts_policies",
    metadata,
    Column("domain", Text, primary_key=True),  # A-labels, lower case
    Column("policy_id", String(32), nullable=False),  # as the TXT record told it
    Column("mode", String(8), nullable=False),  # enforce | testing | none
    Column("hosts", JSON, nullable=False),  # names and patterns of MX hosts
    Column("max_age", Integer, nullable=False),  # seconds
    Column("fetched_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("refresh_at", UtcTime, nullable=False),  # when it is fetched again; the worker that will sets it forward
    Index("sts_policies_refresh", "refresh_at"),
)

# How TLS with the mail servers of other domains went, for the reports that they ask for (RFC 8460).
tls_sessions = Table(
    "tls_sessions",
    metadata,
    Column("key", String(64), primary_key=True),  # digest of all columns but the number
    Column("day", String(10), nullable=False),  # 2025-03-01, UTC
    Column("domain", Text, nullable=False),
    Column("policy", JSON, nullable=False),  # {kind, domain, text, hosts} of delivery.verdicts.PolicyFact
    Column("result", String(32), nullable=False),  # empty: it went well; else in the words of RFC 8460 4.3
    Column("host", Text, nullable=False),  # empty where it went well
    Column("address", String(64), nullable=False),
    Column("our_address", String(64), nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Index("tls_sessions_day", "day", "domain"),
)

tls_reports = Table(
    "tls_reports",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("domain", Text, primary_key=True),
    Column("state", String(8), nullable=False),  # waiting | sent | unasked | failed
    Column("tries", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),  # waiting: when it is tried; the worker that will sets it forward
)
