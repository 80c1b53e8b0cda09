"""Inserts that say what comes on a conflict: each kind of database has its own words for it in SQLAlchemy."""

from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

Upsert: TypeAlias = "sqlite.Insert | postgresql.Insert"


def insert_into(table: Table, database: str) -> Upsert:
    """An insert with `on_conflict_do_nothing` and `on_conflict_do_update`, for a database by its dialect's name."""
    if database != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # some megabytes: for those who have one

    return postgresql.insert(table)
