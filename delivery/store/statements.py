"""Statements of the hot path: compiled once for each kind of database, then run on the driver's own cursor.

What SQLAlchemy does around a statement each time (look it up, bind, wrap the result, a savepoint as objects) costs five
to ten times what the statement itself does. So the few that run for every message are said in its language, compiled
by it, and bound by the column types' own rules; but they skip its execution. Errors are its own all the same.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import WeakSet

from sqlalchemy import JSON, BindParameter, Connection, Delete, Dialect, Insert, LargeBinary, Select, Table, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from delivery.store.inserting import insert_into
from delivery.store.schema import UtcTime, to_microseconds

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Values: TypeAlias = Mapping[str, Any]
_Clause: TypeAlias = "Insert | Update | Delete | Select[Any]"
_Binding: TypeAlias = "tuple[str, Callable[[Any], Any] | None]"

SET: Final = "some"  # the name of a parameter that is several values: `column.in_(bindparam(SET, expanding=True))`
LARGEST_SET: Final = 512
_SET_MARK: Final = f"__[POSTCOMPILE_{SET}]"
_ENCODE: Final = json.JSONEncoder().encode
_NAMED: Final = re.compile(rf"%\((\w+)\)s|__\[POSTCOMPILE_({SET})\]")
_ROWS: Final = 16  # of one insert: each number of rows is a statement that the driver keeps prepared


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement in one database's own words, its values in order."""

    sql: str
    mark: str  # of a value
    bindings: "tuple[_Binding, ...]"
    fixed: Values  # what the statement itself says, as it said it
    columns: "tuple[_Binding, ...]"  # of a row that it gives: names, and how types say that values are read

    def bound(self, values: Values) -> list[Any]:
        if self.fixed:
            values = {**self.fixed, **values}
        return [values[name] if bind is None else bind(values[name]) for name, bind in self.bindings]

    def read(self, row: Sequence[Any]) -> dict[str, Any]:
        """A row that the driver gave, by the names of its columns."""
        return {
            name: value if rule is None else rule(value) for (name, rule), value in zip(self.columns, row, strict=True)
        }

    def for_rows(self, count: int) -> str:
        """An insert, of so many rows."""
        head, values, row = self.sql.rpartition(" VALUES ")
        return head + values + ", ".join([row] * count)

    def for_set(self, count: int) -> str:
        """The same for a set of so many values."""
        return self.sql.replace(_SET_MARK, ", ".join([self.mark] * count))


_ALL: "Final[WeakSet[Statement]]" = WeakSet()


class Statement:
    """One statement, said to every kind of database alike, or made for each by its name. `columns`: those an insert
    fills. `raw`: names whose values are as the database gave them.

    Every statement that a thread runs is a moment in which it lets go of the interpreter, and has to wait until it gets
    it back: so where there are many rows, one statement is for all of them.
    """

    def __init__(
        self,
        clause: "_Clause | Callable[[str], _Clause]",
        columns: Sequence[str] | None = None,
        *,
        raw: Collection[str] = (),
    ) -> None:
        _ALL.add(self)
        self._clause_for = clause if callable(clause) else lambda _database: clause
        self._columns = columns
        self._raw = frozenset(raw)
        self._forms: dict[str, _Form] = {}
        self._wide: dict[tuple[str, int], str] = {}  # by database, and number of rows or of values in the set

    def run(self, conn: Connection, values: Values) -> int:
        """Run it; how many rows it touched. Raises what SQLAlchemy would."""
        form = self._form(conn)
        with _Cursor(conn, form.sql) as cursor:
            cursor.execute(form.sql, form.bound(values))
            touched: int = cursor.rowcount
        return touched

    def first(self, conn: Connection, values: Values) -> "tuple[Any, ...] | None":
        """Run it and give its first row, each value as the database keeps it; None: it gave no row."""
        form = self._form(conn)
        with _Cursor(conn, form.sql) as cursor:
            cursor.execute(form.sql, form.bound(values))
            rows = cursor.fetchall()  # to the end: a statement that is not ended stands in the commit's way
        return tuple(rows[0]) if rows else None

    def row(self, conn: Connection, values: Values) -> "dict[str, Any] | None":
        """Run it and give its first row by the names of its columns, values as their types say; None: it gave none."""
        found = self.first(conn, values)
        return None if found is None else self._form(conn).read(found)

    def rows(self, conn: Connection, values: Values) -> "list[dict[str, Any]]":
        """Run it and give all its rows, each as `row` does."""
        form = self._form(conn)
        with _Cursor(conn, form.sql) as cursor:
            cursor.execute(form.sql, form.bound(values))
            found = cursor.fetchall()
        return [form.read(row) for row in found]

    def insert_each(self, conn: Connection, rows: Sequence[Values]) -> None:
        """Insert rows."""
        form = self._form(conn)
        for begin in range(0, len(rows), _ROWS):
            some = [form.bound(values) for values in rows[begin : begin + _ROWS]]
            sql = self._widened(conn, len(some), form.for_rows)
            with _Cursor(conn, sql) as cursor:
                cursor.execute(sql, [value for row in some for value in row])

    def run_for(self, conn: Connection, some: Sequence[Any], values: Values) -> int:
        """Run it for a set of values, which SET stands for; how many rows it touched."""
        return sum(touched for touched, _ in self._for(conn, some, values, fetch=False))

    def rows_for(self, conn: Connection, some: Sequence[Any], values: Values) -> "list[tuple[Any, ...]]":
        """As `run_for`; the rows, each value as the database keeps it."""
        return [row for _, rows in self._for(conn, some, values, fetch=True) for row in rows]

    def _for(
        self, conn: Connection, some: Sequence[Any], values: Values, *, fetch: bool
    ) -> "Iterator[tuple[int, list[tuple[Any, ...]]]]":
        form = self._form(conn)
        at = next(at for at, (name, _) in enumerate(form.bindings) if name == SET)
        for begin in range(0, len(some), LARGEST_SET):
            part = list(some[begin : begin + LARGEST_SET])
            part += part[-1:] * ((1 << (len(part) - 1).bit_length()) - len(part))  # few sizes: few statements to keep
            sql = self._widened(conn, len(part), form.for_set)
            bound = form.bound({**values, SET: None})
            with _Cursor(conn, sql) as cursor:
                cursor.execute(sql, bound[:at] + part + bound[at + 1 :])
                yield cursor.rowcount, cursor.fetchall() if fetch else []

    def _widened(self, conn: Connection, count: int, widen: Callable[[int], str]) -> str:
        key = conn.dialect.name, count
        return self._wide.get(key) or self._wide.setdefault(key, widen(count))

    def _form(self, conn: Connection) -> _Form:
        dialect = conn.dialect
        return self._forms.get(dialect.name) or self._forms.setdefault(dialect.name, self._compiled(dialect))

    def _compiled(self, dialect: Dialect) -> _Form:
        clause = self._clause_for(dialect.name)
        if isinstance(clause, Insert):
            clause = clause.inline()  # nothing is to be given back
        compiled: Any = clause.compile(dialect=dialect, column_keys=self._columns)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        sql, mark, names = str(compiled), "?", compiled.positiontup
        if names is None:
            names = [named or SET for named, _ in _NAMED.findall(sql)]
            sql, mark = _NAMED.sub(lambda found: "%s" if found[1] else found[0], sql), "%s"
        bindings = tuple(
            (name, None if name in self._raw or name == SET else _rule(binds[name], dialect)) for name in names
        )
        fixed = {name: bind.value for name, bind in binds.items() if not bind.required and name != SET}
        columns: tuple[_Binding, ...] = ()
        if isinstance(clause, Select):
            columns = tuple((one.name, _reading(one.type, dialect)) for one in clause.selected_columns)
        return _Form(sql, mark, bindings, fixed, columns)


def compile_all(conn: Connection) -> None:
    """Every statement there is, for the kind of database that `conn` is to: workers forked from here share them."""
    for statement in tuple(_ALL):
        statement._form(conn)


def insert_once(table: Table, columns: Iterable[str]) -> Statement:
    """Inserts a row unless a unique key is taken. A racing transaction is waited for."""
    return Statement(lambda database: insert_into(table, database).on_conflict_do_nothing(), list(columns))


def values_of(row: "DataclassInstance") -> dict[str, Any]:
    """The fields of a row by their names, as an insert takes them. `dataclasses.asdict` would copy all of it."""
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _rule(bind: BindParameter[Any], dialect: Dialect) -> "Callable[[Any], Any] | None":
    """How the type of a value says that it is given to the driver; None: as it is."""
    if isinstance(bind.type, LargeBinary):
        return None  # drivers take bytes
    if isinstance(bind.type, UtcTime):
        return to_microseconds  # what the type does, without what stands around it
    rule: Callable[[Any], Any] | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return _few_words(rule) if rule is not None and isinstance(bind.type, JSON) and dialect.name == "sqlite" else rule


def _few_words(rule: "Callable[[Any], Any]") -> "Callable[[Any], Any]":
    """JSON as `rule` writes it, without the machinery around it; there is often nothing to be said."""
    return lambda value: ("{}" if not value else _ENCODE(value)) if value.__class__ is dict else rule(value)


def _reading(kind: TypeEngine[Any], dialect: Dialect) -> "Callable[[Any], Any] | None":
    """How a type says that what the driver gives is read; None: as it is."""
    rule: Callable[[Any], Any] | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return rule


def execute_plain(conn: Connection, sql: str) -> None:
    """Execute SQL that takes no values, past SQLAlchemy: `SAVEPOINT work`."""
    with _Cursor(conn, sql) as cursor:
        cursor.execute(sql)


class _Cursor:
    """A cursor of the driver's own; its errors as SQLAlchemy tells of them: never with the values."""

    __slots__ = ("_cursor", "_dialect", "_sql")

    def __init__(self, conn: Connection, sql: str) -> None:
        self._dialect, self._sql = conn.dialect, sql
        self._cursor: Any = conn.connection.cursor()

    def __enter__(self) -> Any:
        return self._cursor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cursor.close()
        driver = self._dialect.loaded_dbapi
        if isinstance(error, driver.Error):
            raise DBAPIError.instance(
                self._sql, None, error, driver.Error, hide_parameters=True, dialect=self._dialect
            ) from error
