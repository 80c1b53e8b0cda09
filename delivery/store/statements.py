"""Statements of the hot path: compiled once for each kind of database, then run on the driver's own cursor.

What SQLAlchemy does around a statement each time (look it up, bind, wrap the result, a savepoint as objects) costs five
to ten times what the statement itself does. So the few that run for every message are said in its language, compiled
by it, and bound by the column types' own rules; but they skip its execution. Errors are its own all the same.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import BindParameter, Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError

Values: TypeAlias = Mapping[str, Any]
_Binding: TypeAlias = "tuple[str, Callable[[Any], Any] | None]"

_POSITIONAL: Final = frozenset({"qmark", "format", "numeric"})


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement in one database's own words."""

    sql: str
    bindings: "tuple[_Binding, ...]"
    fixed: Values  # what the statement itself says, as it said it
    positional: bool

    def bound(self, values: Values) -> Any:
        if self.fixed:
            values = {**self.fixed, **values}
        if self.positional:
            return [values[name] if bind is None else bind(values[name]) for name, bind in self.bindings]
        return {name: values[name] if bind is None else bind(values[name]) for name, bind in self.bindings}


class Statement:
    """One statement. `columns`: those an insert fills. `raw`: names whose values are as the database gave them."""

    def __init__(
        self,
        clause: "Insert | Update | Delete | Select[Any]",
        columns: Sequence[str] | None = None,
        *,
        raw: Collection[str] = (),
    ) -> None:
        self._clause = clause.inline() if isinstance(clause, Insert) else clause  # nothing is to be given back
        self._columns = columns
        self._raw = frozenset(raw)
        self._forms: dict[str, _Form] = {}

    def run(self, conn: Connection, values: Values) -> None:
        """Run it. Raises what SQLAlchemy would."""
        form = self._form(conn)
        cursor = conn.connection.cursor()
        try:
            cursor.execute(form.sql, form.bound(values))
        except conn.dialect.loaded_dbapi.Error as error:
            raise _wrapped(conn, form.sql, error) from error
        finally:
            cursor.close()

    def run_each(self, conn: Connection, rows: Sequence[Values]) -> None:
        """Run it for each of some rows."""
        form = self._form(conn)
        cursor = conn.connection.cursor()
        try:
            cursor.executemany(form.sql, [form.bound(values) for values in rows])
        except conn.dialect.loaded_dbapi.Error as error:
            raise _wrapped(conn, form.sql, error) from error
        finally:
            cursor.close()

    def first(self, conn: Connection, values: Values) -> "tuple[Any, ...] | None":
        """Run it and give its first row, each value as the database keeps it; None: it gave no row."""
        form = self._form(conn)
        cursor = conn.connection.cursor()
        try:
            cursor.execute(form.sql, form.bound(values))
            rows = cursor.fetchall()  # to the end: a statement that is not ended stands in the commit's way
        except conn.dialect.loaded_dbapi.Error as error:
            raise _wrapped(conn, form.sql, error) from error
        finally:
            cursor.close()
        return tuple(rows[0]) if rows else None

    def _form(self, conn: Connection) -> _Form:
        dialect = conn.dialect
        return self._forms.get(dialect.name) or self._forms.setdefault(dialect.name, self._compiled(dialect))

    def _compiled(self, dialect: Dialect) -> _Form:
        compiled: Any = self._clause.compile(dialect=dialect, column_keys=self._columns)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        positional = dialect.paramstyle in _POSITIONAL
        names = compiled.positiontup if positional else list(binds)
        bindings = tuple((name, None if name in self._raw else _rule(binds[name], dialect)) for name in names)
        fixed = {name: bind.value for name, bind in binds.items() if not bind.required}
        return _Form(str(compiled), bindings, fixed, positional)


def _rule(bind: BindParameter[Any], dialect: Dialect) -> "Callable[[Any], Any] | None":
    """How the type of a value says that it is given to the driver; None: as it is."""
    rule: Callable[[Any], Any] | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return rule


def say(conn: Connection, sql: str) -> None:
    """Say a word of the database's own, without values: `SAVEPOINT work`."""
    cursor = conn.connection.cursor()
    try:
        cursor.execute(sql)
    except conn.dialect.loaded_dbapi.Error as error:
        raise _wrapped(conn, sql, error) from error
    finally:
        cursor.close()


def _wrapped(conn: Connection, sql: str, error: Exception) -> Exception:
    """As SQLAlchemy tells of a driver's error: never with the values."""
    dialect = conn.dialect
    return DBAPIError.instance(sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect)
