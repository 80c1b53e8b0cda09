"""Checks what no section of the configuration can check alone: contradictions between sections, and programs and files
that they name (`namedfiles.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parseaddr
from ipaddress import ip_network
from typing import Final

from delivery.dkimkeys import DkimKeyInvalid, DkimKeyMissing, read_keys
from delivery.hops import HopSettings, HopTls, PartnerSettings, Published, Verify
from delivery.safebox.choices import Way
from delivery.sections import Endpoint, parse_endpoint
from delivery.settings import NoticeSettings
from gateway.namedfiles import Draft, check_certificates, check_folder, check_keyring, check_logins, check_packs
from gateway.smtp.settings import Accepts, ListenerSettings
from gateway.tesseract import find_tesseract, known_languages
from gateway.wishes import check_groups
from gateway.yamlmarks import Document
from policy.message import Address, AddressInvalid
from policy.problem import Path as Place
from policy.problem import Problem, dotted
from policy.route import domain_matches
from portal.phones.settings import PhoneSettings, read_directory
from portal.settings import is_loopback, portal_name

MOST_ON_SQLITE: Final = 2  # workers: its writers take turns, more of them would only wait
_ANY: Final = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound


def check(draft: Draft, document: Document, *, now: datetime, keyring: bool, policy: bool = True) -> list[Problem]:
    """Every contradiction between the parts that are good. `keyring` False: it and keys of DKIM may be missing."""
    checks: tuple[Callable[[Draft, Document], Iterator[Problem]], ...] = (
        _addresses,
        _partners,
        _hops,
        check_logins,
        _senders,
        check_groups,
        _bounces,
        _fallback,
        check_folder,
        _workers,
        _pictures,
        _ways,
        _languages,
    )
    problems = [problem for look in checks for problem in look(draft, document)]
    problems += check_packs(draft, document) if policy else ()
    problems += check_certificates(draft, document, now)
    problems += check_keyring(draft, document, keyring)
    problems += _dkim(draft, document, keyring)
    return problems


def _workers(draft: Draft, document: Document) -> Iterator[Problem]:
    """No more workers than the database and the memory can serve."""
    workers, limits = draft.get("workers"), draft.get("limits")
    if not isinstance(workers, int):
        return
    if draft.get("database") is None and "database" in draft and workers > MOST_ON_SQLITE:
        cause = f"{workers} are more than SQLite serves, which is {MOST_ON_SQLITE}"
        yield document.problem(("workers",), cause, "write auto, or name a PostgreSQL database")
    elif limits is not None and limits.memory // workers < limits.message:
        cause = f"{workers} share limits.memory, and the part of each is less than one message may have"
        yield document.problem(("workers",), cause, "raise limits.memory, or lower workers or limits.message")


def _pictures(draft: Draft, document: Document) -> Iterator[Problem]:
    """Pictures are read by a program that has to be there, with the languages that are wanted."""
    reading = draft.get("reading")
    if reading is None or not reading.pictures:
        return
    program = find_tesseract()
    if program is None:
        cause = "reading.pictures needs tesseract, which is not installed"
        yield document.problem(("reading", "pictures"), cause, "install the package tesseract-ocr, or write false")
        return
    known = known_languages(program)
    for index, language in enumerate(reading.languages):
        if language not in known:
            cause = f"tesseract does not know the language {language}"
            hint = f"it knows {', '.join(sorted(known)) or 'none'}; others are packages such as tesseract-ocr-deu"
            yield document.problem(("reading", "languages", index), cause, hint)


def _languages(draft: Draft, document: Document) -> Iterator[Problem]:
    """A language that notices are written in is one of those that pages are offered in."""
    offered = draft.get("languages")
    if offered is None:
        return
    for name, profile in draft.get("profiles", {}).items():
        said = profile.notice.language
        if said is not None and said not in offered:
            cause = f"{said} is not among `languages`, so pages would not speak it"
            yield document.problem(("profiles", name, "notice", "language"), cause, f"add {said} to languages")
        for index, one in enumerate(profile.adjust.language):
            if one not in offered:
                cause = f"{one} is not among `languages`, so pages would not speak it"
                path = ("profiles", name, "adjust", "language", index)
                yield document.problem(path, cause, f"add {one} to languages")


def _ways(draft: Draft, document: Document) -> Iterator[Problem]:
    """Every way of signing in that a profile names is possible here; what telephones need is there and readable."""
    phones, portal = draft.get("phones"), draft.get("portal")
    for name, profile in draft.get("profiles", {}).items():
        for way in (Way.SMS, Way.VOICE):
            missing = "phones" in draft and (phones is None or getattr(phones, way.value) is None)
            if missing and way in (*profile.signin.ways, *profile.adjust.ways):
                cause = f"{way} needs somebody who does it"
                yield document.problem(("profiles", name, "signin", "ways"), cause, f"give phones.{way} a provider")
        if portal is not None and not portal_name(portal.url) and set(profile.signin.ways) == {Way.PASSKEY}:
            cause = f"no passkey can be made at {portal.url}: browsers bind them to names"
            yield document.problem(("profiles", name, "signin", "ways"), cause, "give portal.url a name")
    if phones is None:
        return
    from portal.phones.sending import couriers  # on use: it brings an HTTP client

    for kind in ("sms", "voice"):
        try:
            couriers(
                PhoneSettings.model_construct(
                    **{**dict(phones), "sms": None, "voice": None, kind: getattr(phones, kind)}
                )
            )
        except (OSError, ValueError) as cause:
            yield document.problem(("phones", kind), str(cause), "a secret is a file of one line; a key is PEM")
    if phones.directory is not None:
        try:
            read_directory(phones.directory)
        except (OSError, ValueError) as cause:
            yield document.problem(("phones", "directory"), str(cause), "a line is: maria@post.example, +41791234567")


def _addresses(draft: Draft, document: Document) -> Iterator[Problem]:
    """No address is listened on twice."""
    taken: list[tuple[Endpoint, str]] = []
    wanted: list[tuple[Place, str | None]] = [
        (("listeners", index, "address"), listener.address) for index, listener in enumerate(draft.get("listeners", ()))
    ]
    if "portal" in draft:
        wanted.append((("portal", "address"), draft["portal"].address))
    if "telemetry" in draft:
        wanted.append((("telemetry", "metrics"), draft["telemetry"].metrics))
    for path, address in wanted:
        if address is None:
            continue
        mine = parse_endpoint(address)
        for other, name in taken:
            same_host = mine.host == other.host or mine.host in _ANY or other.host in _ANY
            if mine.port == other.port != 0 and same_host:
                yield document.problem(
                    path, f"{address} is listened on by {name} already", "give each a port of its own"
                )
                break
        taken.append((mine, dotted(path)))


def _partners(draft: Draft, document: Document) -> Iterator[Problem]:
    """A domain belongs to one partner, and not to us."""
    owners: dict[str, str] = {}
    partners: Mapping[str, PartnerSettings] = draft.get("partners", {})
    for name, partner in partners.items():
        for index, domain in enumerate(partner.domains):
            path: Place = ("partners", name, "domains", index)
            if domain in owners:
                twice = "twice here" if owners[domain] == name else f"with partner {owners[domain]} as well"
                yield document.problem(path, f"{domain} stands {twice}", "a domain belongs to one partner")
            elif any(
                domain == ours or domain_matches(ours, domain.removeprefix("*.")) for ours in draft.get("domains", ())
            ):
                yield document.problem(path, f"{domain} is ours already", "take it out here or from `domains`")
            owners.setdefault(domain, name)


def _hops(draft: Draft, document: Document) -> Iterator[Problem]:
    """No setting of a hop would be ignored, and no hop leads back to this gateway."""
    listening = [parse_endpoint(listener.address) for listener in draft.get("listeners", ())]
    for name in ("next_hop", "inside"):
        hop: HopSettings | None = draft.get(name)
        if hop is None:
            continue
        yield from _needs_dnssec(draft, (name, "tls"), hop.tls is HopTls.DANE, document)
        only_dane = hop.honours == (Published.DANE,)  # beside others it counts once there is a resolver for it
        yield from _needs_dnssec(draft, (name, "honours"), only_dane, document)
        for key in ("ca", "names"):
            if getattr(hop, key) and hop.tls is not HopTls.VERIFY:
                yield document.problem(
                    (name, key), f"counts only with tls: verify, here it is {hop.tls}", "say tls: verify"
                )
        if hop.host is not None and _is_us(parse_endpoint(hop.host), listening, draft.get("hostname")):
            yield document.problem((name, "host"), f"{hop.host} is a listener of this gateway: mail would go in a ring")
    for index, published in enumerate(draft.get("proven", ())):
        yield from _needs_dnssec(draft, ("proven", index), published is Published.DANE, document)
    for name, partner in draft.get("partners", {}).items():
        yield from _needs_dnssec(draft, ("partners", name, "tls"), partner.tls.verify is Verify.DANE, document)
        if partner.host is not None and _is_us(parse_endpoint(partner.host), listening, draft.get("hostname")):
            path = ("partners", name, "host")
            yield document.problem(path, f"{partner.host} is a listener of this gateway: mail would go in a ring")


def _needs_dnssec(draft: Draft, path: Place, is_dane: bool, document: Document) -> Iterator[Problem]:
    """DANE proves something only where somebody we trust validates DNSSEC."""
    if is_dane and "dns" in draft and not draft["dns"].is_validating:
        hint = "run a validating resolver on this machine and name it: dns: {servers: [127.0.0.1:53]}"
        yield document.problem(path, "dane needs a DNS server whose word on DNSSEC is believed", hint)


def _is_us(hop: Endpoint, listening: list[Endpoint], hostname: str | None) -> bool:
    for mine in listening:
        if hop.port != mine.port:
            continue
        if hop.host in (mine.host, hostname) or (is_loopback(hop.host) and mine.host in _ANY):
            return True
        if hop.host == "localhost" and is_loopback(mine.host):
            return True
    return False


def _senders(draft: Draft, document: Document) -> Iterator[Problem]:
    """What `senders` lists for a client are addresses and domains of ours."""
    listener: ListenerSettings
    for index, listener in enumerate(draft.get("listeners", ())):
        for who, allowed in listener.senders.items():
            path: Place = ("listeners", index, "senders", who)
            if "/" in who and not _is_network(who):
                yield document.problem(path, f'"{who}" is no network', "write it as 10.0.8.0/24", key=True)
            for position, entry in enumerate(allowed):
                yield from _sender(entry, (*path, position), draft.get("domains"), document)


def _sender(entry: str, path: Place, domains: tuple[str, ...] | None, document: Document) -> Iterator[Problem]:
    try:
        pattern = Address.parse(entry).domain if "@" in entry else Address.parse(f"x@{entry}").domain
    except AddressInvalid:
        yield document.problem(
            path, f'"{entry}" is neither an address nor a domain', "write alice@example.com or example.com"
        )
        return
    if domains is not None and not any(
        domain_matches(ours, pattern.removeprefix("*.")) or ours == pattern for ours in domains
    ):
        yield document.problem(path, f"{pattern} is none of our `domains`", "mail from there is refused in any case")


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _bounces(draft: Draft, document: Document) -> Iterator[Problem]:
    """Signed return addresses need a door at which bounces come in."""
    if "notices" not in draft or "listeners" not in draft or draft["notices"].bounces is None:
        return
    if not any(listener.accepts is Accepts.INBOUND for listener in draft["listeners"]):
        cause = "no listener accepts inbound mail, so no bounce would come back"
        yield document.problem(("notices", "bounces"), cause, "add a listener with accepts: inbound, or write null")


def notice_domain(notices: NoticeSettings, domains: tuple[str, ...]) -> str:
    """The domain of our notices' sender, in A-labels."""
    if notices.sender is None:
        return domains[0].removeprefix("*.")
    return Address.parse(parseaddr(notices.sender)[1]).domain


def _dkim(draft: Draft, document: Document, must: bool) -> Iterator[Problem]:
    """DKIM keys can be read, by us alone, and sign for domains of ours. `must` False: they may be missing still."""
    notices: NoticeSettings | None = draft.get("notices")
    if notices is None or notices.dkim is None or "domains" not in draft:
        return
    domains: tuple[str, ...] = draft["domains"]
    ours = {domain.removeprefix("*.") for domain in domains} | {draft.get("hostname")}
    mine = notice_domain(notices, domains)
    taken: dict[tuple[str, str], Place] = {}
    for below, found in read_keys(notices.dkim, mine):
        path: Place = ("notices", "dkim", *below)
        if isinstance(found, DkimKeyMissing) and not must:
            continue
        if isinstance(found, DkimKeyInvalid):
            yield document.problem((*path, "key"), str(found), found.hint)
            continue
        name = (found.domain, found.selector)
        if name in taken:
            hint = "a selector names one key; give the new one a name of its own"
            yield document.problem((*path, "selector"), f"{found.selector} is said twice for {found.domain}", hint)
        taken.setdefault(name, path)
        above = {mine, *ours}
        if not any(domain_matches(pattern, found.domain) for pattern in domains) and not any(
            one == found.domain or str(one).endswith(f".{found.domain}") for one in above
        ):
            yield document.problem(
                (*path, "domain"), f"{found.domain} is none of our `domains`", "nothing from there is ours to sign"
            )


def _fallback(draft: Draft, document: Document) -> Iterator[Problem]:
    if "queue" in draft and draft["queue"].secure_fallback >= draft["queue"].expire:
        key = "secure_fallback" if ("queue", "secure_fallback") in document.keys else "expire"
        yield document.problem(("queue", key), "secure_fallback would come only after expire", "make it shorter")
