"""The policy language: makes rules of plain data, and reports each mistake with its place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from policy.cases import Case, CaseReader, read_address
from policy.clauses import Clauses, Names, is_header_name
from policy.conditions import Condition
from policy.decision import Action, Route
from policy.message import Address
from policy.nesting import AllOf
from policy.passwords import NO_PASSWORDS, Passwords, read_passwords
from policy.patterns import Addresses
from policy.problem import Path, Problem, Where, did_you_mean, one_of
from policy.source import Source

POLICY_KEYS: Final = ("version", "lists", "rules", "otherwise", "passwords", "tests")
RULE_KEYS: Final = ("name", "mode", "when", "then", "or", "also", "profile", "namespace")
ALSO_KEYS: Final = ("notify", "add_header", "copy_to", "tag")
REJECTED: Final = "Message refused by policy"
OTHERWISE: Final = "otherwise"

# Headers that no rule may add, since they belong to the message itself.
_PROTECTED_HEADERS: Final = frozenset(
    {
        *(
            "from",
            "to",
            "cc",
            "bcc",
            "sender",
            "reply-to",
            "subject",
            "date",
            "message-id",
            "in-reply-to",
            "references",
        ),
        *("received", "return-path", "mime-version", "content-type", "content-transfer-encoding", "content-id"),
        *("content-disposition", "dkim-signature", "arc-seal", "resent-from", "resent-to", "x-sealgate"),
    }
)


@dataclass(frozen=True, slots=True)
class Ending:
    """What `then` or `otherwise` says: the action that ends the asking, with its details."""

    action: Action
    reject_text: str = REJECTED
    tls_else: Route = Route.SAFEBOX  # for tls: where what cannot be proven goes


@dataclass(frozen=True, slots=True)
class Notify:
    """`notify`: tell the sender (None) or someone else that the rule applied."""

    address: Address | None


@dataclass(frozen=True, slots=True)
class AddHeader:
    """`add_header`: add a header to the copy."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CopyTo:
    """`copy_to`: send a copy to one more recipient."""

    address: Address


@dataclass(frozen=True, slots=True)
class Tag:
    """`tag`: put a text in front of the subject."""

    text: str


Addition = Notify | AddHeader | CopyTo | Tag


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Without an `ending` it only makes additions, and the next rule is asked."""

    name: str
    when: Condition = field(default_factory=lambda: AllOf(()))
    ending: Ending | None = None
    also: tuple[Addition, ...] = ()
    profile: str | None = None
    namespace: str | None = None
    watch: bool = False


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy file as read: its rules, tests and passwords."""

    rules: tuple[Rule, ...] = ()
    otherwise: Ending = Ending(Action.RELAY)
    tests: tuple[Case, ...] = ()
    passwords: Passwords = NO_PASSWORDS  # tried on files that are locked
    warnings: tuple[Problem, ...] = ()  # rules that never apply


def read_policy(data: object, file: str, where: Where, names: Names) -> tuple[PolicyText, tuple[Problem, ...]]:
    """Read a whole policy from plain data; where there are problems, the PolicyText is not to be used.

    `file` and `where` say the places of problems; `names` is what the policy may refer to.
    """
    source = Source(file, where)
    keys = source.mapping(data, (), POLICY_KEYS)
    if keys is None:
        return PolicyText(), tuple(source.problems)
    if keys.get("version", 1) != 1 or isinstance(keys.get("version"), bool):
        source.report(("version",), f"{keys['version']} is no version this program knows", "write version: 1")
    names = replace(names, lists=_lists(source, names, keys.get("lists", {})))
    rules = _RuleReader(source, names)
    written = source.sequence(keys.get("rules", []), ("rules",), "rules")
    found = [rules.rule(entry, ("rules", index)) for index, entry in enumerate(written)]
    otherwise = Ending(Action.RELAY)
    if OTHERWISE in keys:
        otherwise = rules.ending(keys[OTHERWISE], (OTHERWISE,)) or otherwise
    passwords = read_passwords(source, keys["passwords"], ("passwords",)) if "passwords" in keys else NO_PASSWORDS
    text = PolicyText(tuple(rule for rule in found if rule is not None), otherwise, passwords=passwords)
    copies = [a.address for rule in text.rules for a in rule.also if isinstance(a, CopyTo)]
    tests = CaseReader(source, copies)
    written = source.sequence(keys.get("tests", []), ("tests",), "tests")
    checked = [
        tests.test(entry, ("tests", index), where(("tests", index), False).line) for index, entry in enumerate(written)
    ]
    problems = sorted(source.problems, key=lambda problem: (problem.line, problem.column))
    return replace(text, tests=tuple(test for test in checked if test is not None)), tuple(problems)


def _lists(source: Source, names: Names, value: object) -> dict[str, Addresses]:
    lists: dict[str, Addresses] = {}
    if not isinstance(value, dict):
        source.expected(value, ("lists",), "names with lists of addresses and domains")
        return lists
    clauses = Clauses(source, names)
    for name, entries in value.items():
        path: Path = ("lists", name)
        if not name or any(c in name for c in "@.*?<> ") or name in ("ours", "partners"):
            cause = f'"{name}" cannot be the name of a list'
            source.report(path, cause, "letters, digits and hyphens; ours and partners are taken", key=True)
        if isinstance(entries, list) and not entries:
            lists[name] = Addresses()
            continue
        good = [
            e
            for place, e in source.texts(entries, path, "an address or a domain")
            if clauses.entry(e, place, in_list=True)
        ]
        lists[name] = Addresses.of(good)
    return lists


class _RuleReader:
    """Reads the rules of one policy. Their names must differ, since decisions carry them."""

    def __init__(self, source: Source, names: Names) -> None:
        self._source = source
        self._names = names
        self._clauses = Clauses(source, names)
        self._taken: set[str] = {OTHERWISE}

    def rule(self, value: object, path: Path) -> Rule | None:
        keys = self._source.mapping(value, path, RULE_KEYS, ("name",))
        if keys is None:
            return None
        name = self._name(keys["name"], (*path, "name")) if "name" in keys else None
        ending = self.ending(keys["then"], (*path, "then")) if "then" in keys else None
        if "or" in keys:
            ending = self._or(ending, keys, path)
        if "then" not in keys and "also" not in keys and not self._misspelt(value, ("then", "also")):
            self._source.report(path, "does nothing", f"write then: one of {one_of(Action)}; or also:", key=True)
        mode = self._source.choice(keys.get("mode", "enforce"), (*path, "mode"), ("enforce", "watch"))
        when = self._clauses.when(keys["when"], (*path, "when")) if "when" in keys else AllOf(())
        profile = self._known(keys, "profile", path, self._names.profiles)
        namespace = self._known(keys, "namespace", path, self._names.namespaces)
        also = self._also(keys["also"], (*path, "also")) if "also" in keys else ()
        return Rule(name or "", when or AllOf(()), ending, also, profile, namespace, mode == "watch")

    def _misspelt(self, value: object, names: tuple[str, ...]) -> bool:
        """Whether there is an unknown key that was reported as a misspelling of one of these."""
        keys = value if isinstance(value, dict) else {}
        return any(key not in RULE_KEYS and did_you_mean(key, names) for key in keys)

    def _name(self, value: object, path: Path) -> str | None:
        name = self._source.text(value, path, "a name")
        if name is None:
            return None
        if len(name) > 200 or not name.isprintable():
            self._source.report(path, "a name is one line of at most 200 characters")
        if name in self._taken:
            self._source.report(path, f'there is another rule "{name}"', "decisions carry the name: give each its own")
        self._taken.add(name)
        return name

    def _known(self, keys: Mapping[str, Any], key: str, path: Path, known: Iterable[str]) -> str | None:
        if key not in keys:
            return None
        name = self._source.text(keys[key], (*path, key), f"the name of a {key}")
        names = sorted(known)
        if name is not None and name not in names:
            hint = did_you_mean(name, names) or f"the configuration has {one_of(names)}"
            self._source.report((*path, key), f'there is no {key} "{name}"', hint)
        return name

    def ending(self, value: object, path: Path) -> Ending | None:
        """`relay`, `{reject: "text"}` and so on."""
        if isinstance(value, dict):
            keys = self._source.mapping(value, path, ("reject",), ("reject",)) or {}
            text = self._source.text(keys["reject"], (*path, "reject"), "what the client is told") if keys else None
            if text is not None and not (text.isprintable() and text.isascii() and len(text) <= 400):
                self._source.report((*path, "reject"), "an SMTP reply is one line of at most 400 ASCII characters")
            return Ending(Action.REJECT, text) if text is not None else None
        word = self._source.choice(value, path, (*Action,))
        return Ending(Action(word)) if word is not None else None

    def _or(self, ending: Ending | None, keys: Mapping[str, Any], path: Path) -> Ending | None:
        here = (*path, "or")
        if ending is None or ending.action is not Action.TLS:
            if "then" not in keys or ending is not None:
                self._source.report(here, "goes with then: tls only", key=True)
            return ending
        value = keys["or"]
        if isinstance(value, dict):
            other = self.ending(value, here)
            return replace(ending, tls_else=Route.REJECT, reject_text=other.reject_text) if other else ending
        word = self._source.choice(value, here, ("safebox", "reject"))
        return replace(ending, tls_else=Route(word)) if word is not None else ending

    def _also(self, value: object, path: Path) -> tuple[Addition, ...]:
        entries = (
            [(path, value)]
            if isinstance(value, dict)
            else [
                ((*path, index), entry)
                for index, entry in enumerate(self._source.sequence(value, path, "additions, as in [{notify: sender}]"))
            ]
        )
        additions = []
        for place, entry in entries:
            keys = self._source.mapping(entry, place, ALSO_KEYS) or {}
            if isinstance(entry, dict) and not entry:
                self._source.report(place, "is empty", f"one of {one_of(ALSO_KEYS)} is expected")
            additions += [self._addition(key, inner, (*place, key)) for key, inner in keys.items()]
        return tuple(addition for addition in additions if addition is not None)

    def _addition(self, key: str, value: object, path: Path) -> Addition | None:
        if key == "notify":
            if value == "sender":
                return Notify(None)
            address = read_address(self._source, value, path)
            return Notify(address) if address else None
        if key == "copy_to":
            address = read_address(self._source, value, path)
            return CopyTo(address) if address else None
        if key == "tag":
            text = self._source.text(value, path, "a text for the subject")
            return Tag(text.strip()) if text is not None and self._one_line(text, path) else None
        return self._add_header(value, path)

    def _add_header(self, value: object, path: Path) -> AddHeader | None:
        keys = self._source.mapping(value, path, ("name", "value"), ("name", "value")) or {}
        name = self._source.text(keys["name"], (*path, "name"), "a header's name") if "name" in keys else None
        text = self._source.text(keys["value"], (*path, "value"), "a header's value") if "value" in keys else None
        if name is None or text is None:
            return None
        if not is_header_name(name):
            self._source.report((*path, "name"), f'"{name}" is no name of a header', "write it as X-Class")
        elif name.lower() in _PROTECTED_HEADERS:
            self._source.report((*path, "name"), f"{name} cannot be added", "use a name that begins with X-")
        return AddHeader(name, text) if self._one_line(text, (*path, "value")) else None

    def _one_line(self, text: str, path: Path) -> bool:
        if text.isprintable() and len(text) <= 500:
            return True
        self._source.report(path, "one line of at most 500 characters is expected")
        return False
