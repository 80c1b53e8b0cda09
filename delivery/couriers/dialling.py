"""Opens sessions: tries a target's hosts in MX order, each at its addresses, until one answers and proves its TLS."""

import asyncio
import os
import random
import socket
from dataclasses import dataclass, replace

import structlog
from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPConnectResponseError, SMTPException, SMTPHeloError, SMTPResponseException

from delivery.couriers.courier import Evidence
from delivery.couriers.proving import Candidate, Plan, Policies, plan_for
from delivery.couriers.replies import Client
from delivery.couriers.session import (
    NO_REQUIRETLS,
    UNPRINTABLE,
    Session,
    Timeouts,
    Unreachable,
    lost_reply,
    read_reply,
    transport_of,
)
from delivery.couriers.targets import SMTP_PORT, Dane, Target
from delivery.errors import DeliveryError
from delivery.items import Reply
from delivery.mx import (
    LOOP,
    PRIVATE,
    MailHosts,
    OwnServer,
    Reach,
    Undeliverable,
    configured_addresses,
    host_addresses,
    mail_hosts,
)
from delivery.resolving import Found, LookupFailed, Resolver
from delivery.stspolicy import StsPolicy
from delivery.tls import (
    Flaw,
    OwnTlsBroken,
    PeerTls,
    Proof,
    TlsContexts,
    TlsDemand,
    Unproven,
    handshake_failure,
    handshake_flaw,
    prove,
)
from delivery.verdicts import PolicyFact, PolicyKind, Verdict, Watch, unwatched

log = structlog.get_logger(__name__)


class Dialler:
    """Opens sessions. `reach`: where hosts may be that DNS names; `policies` knows MTA-STS policies; `watch` hears how
    TLS went with each host."""

    def __init__(
        self,
        own_server: OwnServer,
        resolver: Resolver,
        times: Timeouts,
        *,
        reach: Reach = Reach(),  # noqa: B008  # frozen
        policies: Policies | None = None,
        watch: Watch = unwatched,
        shuffle: random.Random | None = None,
    ) -> None:
        self._own_server = own_server
        self._resolver = resolver
        self._reach = reach
        self._times = times
        self._policies = policies
        self._watch = watch
        self._shuffle = shuffle
        self._contexts = TlsContexts()

    async def dial(self, target: Target) -> Session:
        """A session with the target. Raises Unreachable, or Undeliverable where no host ever takes this mail."""
        tries = _Tries(target)
        try:
            hosts = await self._hosts(target)
            sts = await self._policy(target)
        except LookupFailed as error:
            raise Unreachable(Reply(451, "4.4.3", str(error)), insecure=target.demands_tls) from error
        try:
            async with asyncio.timeout(self._times.dial):
                for host in hosts.hosts:
                    session = await self._to_host(target, hosts, host, sts, tries)
                    if session is not None:
                        return session
        except TimeoutError:
            tries.failed(Unreachable(Reply(451, "4.4.1", "Connecting took too long"), insecure=target.demands_tls))
        raise tries.verdict()

    async def _hosts(self, target: Target) -> MailHosts:
        if target.host is not None:
            return MailHosts((target.host.host,))
        return await mail_hosts(self._resolver, target.domain, own_server=self._own_server, shuffle=self._shuffle)

    async def _policy(self, target: Target) -> StsPolicy | None:
        if not target.sts or self._policies is None or not target.domain or target.domain.startswith("["):
            return None
        return await self._policies.policy(target.domain)

    async def _to_host(
        self, target: Target, hosts: MailHosts, host: str, sts: StsPolicy | None, tries: "_Tries"
    ) -> Session | None:
        """A session with one host, or None with the reason noted."""
        port = target.host.port if target.host else SMTP_PORT
        try:
            addresses = await self._addresses(target, host)
            one = Candidate(host, port, addresses, hosts.secure or target.host is not None)
            plan = await plan_for(self._resolver, target, one, sts)
        except LookupFailed as error:
            tries.failed(Unreachable(Reply(451, "4.4.3", str(error)), insecure=target.demands_tls))
            return None
        except Unproven as error:
            kind = PolicyKind.STS if sts is not None and error.flaw is Flaw.WRONG_HOST else PolicyKind.TLSA
            fact = PolicyFact(kind, target.domain, (), sts.mx if sts is not None else ())
            self._watch(Verdict(target.domain, fact, host, "", Proof.NONE, error.flaw, str(error)))
            tries.failed(_unproven(error, Evidence(host, "")))
            return None
        for address in addresses.records:
            if target.host is None and self._own_server.is_address(address, port):
                tries.found_ourselves = True
                continue
            if target.host is None and not target.is_ours and not self._reach.allows(address):
                log.warning("smtp.private_address", host=host, address=address)
                tries.found_private = True
                continue
            try:
                return await self._open(_Place(target, plan, host, address, port))
            except Unreachable as failure:
                log.info("smtp.unusable", host=host, address=address, reply=str(failure.reply))
                tries.failed(failure)
        return None

    async def _addresses(self, target: Target, host: str) -> Found[str]:
        if target.host is not None and target.dane is Dane.NEVER:
            return Found(await configured_addresses(self._resolver, host))
        return await host_addresses(self._resolver, host)

    async def _open(self, place: "_Place") -> Session:
        wished = place.plan.testing_demand
        if wished is not None:
            session = await self._under_testing_policy(place, wished)
            if session is not None:
                return session
            place = replace(place, is_told=True)
        try:
            return await self._connect(place, place.plan.demand)
        except _HandshakeFailed as failure:
            if not place.plan.demand.clear_allowed:
                raise
            log.info("smtp.tls_failed", host=place.host, address=place.address, reply=str(failure.reply))
        return await self._connect(place, None)  # a fresh connection, as nothing was said yet

    async def _under_testing_policy(self, place: "_Place", wished: TlsDemand) -> Session | None:
        """A session that meets a policy in testing; None: the host does not meet it, which is only reported."""
        if place.plan.unlisted:
            self._told(place, Proof.NONE, Flaw.WRONG_HOST, f"{wished.policy} does not list this host")
            return None
        try:
            return await self._connect(place, wished)
        except Unreachable as failure:
            if failure.flaw is None:
                raise  # not there at all
            log.info("smtp.policy_in_testing_failed", host=place.host, reply=str(failure.reply))
            return None

    async def _connect(self, place: "_Place", demand: TlsDemand | None) -> Session:
        """Connect, greet and prove; `demand` None: without TLS."""
        evidence = Evidence(place.host, place.address)
        target = place.target
        smtp = Client(local_hostname=self._own_server.hostname, start_tls=False, timeout=self._times.command)
        try:
            smtp.sock = await self._socket(place.address, place.port)
            place = replace(place, ours=str(smtp.sock.getsockname()[0]))
            await smtp.connect(timeout=self._times.greeting)
            await self._hello(smtp)
            shown = PeerTls() if demand is None else await self._secure(smtp, place, demand)
            evidence = _evidence(place, shown)
            if shown.protocol is not None:
                await self._hello(smtp)
            if target.requires_tls and not smtp.supports_extension("requiretls"):
                raise Unreachable(NO_REQUIRETLS, evidence, insecure=True, lacks_requiretls=True)
        except Unreachable:
            _cut(smtp)
            raise
        except (SMTPException, OSError, ValueError, DeliveryError) as error:
            _cut(smtp)
            raise self._failure(error, place, evidence) from error
        except BaseException:
            _cut(smtp)
            raise
        if demand is not None:
            self._told(place, shown.proof, None if shown.protocol else Flaw.NO_STARTTLS)
        return Session(smtp, target, evidence)

    async def _socket(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(self._times.connect):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except BaseException:
            sock.close()
            raise
        return sock

    async def _hello(self, smtp: SMTP) -> None:
        try:
            await smtp.ehlo(timeout=self._times.command)
        except SMTPHeloError as error:
            if not 500 <= error.code < 600 or not smtp.is_connected:
                raise
            await smtp.helo(timeout=self._times.command)

    async def _secure(self, smtp: SMTP, place: "_Place", demand: TlsDemand) -> PeerTls:
        if not smtp.supports_extension("starttls"):
            if not demand.clear_allowed:
                raise Unproven("the peer does not offer STARTTLS", Flaw.NO_STARTTLS)
            return PeerTls()
        context = await self._contexts.get(demand)
        name = demand.sni or place.host
        try:
            await smtp.starttls(tls_context=context, server_hostname=name, timeout=self._times.command)
        except SMTPResponseException as error:
            if not demand.clear_allowed:
                raise Unproven(f"the peer refused STARTTLS: {read_reply(error)}", Flaw.NO_STARTTLS) from error
            if error.code < 400 or not smtp.is_connected:
                raise self._handshake_failed(lost_reply(error), place, Flaw.INVALID) from error
            return PeerTls()  # refused in the clear, before any handshake: the session goes on
        except (SMTPException, OSError, ValueError) as error:
            reply = Reply(454, "4.7.5", f"Not sent: {handshake_failure(error)}")
            raise self._handshake_failed(reply, place, handshake_flaw(error)) from error
        return prove(smtp.get_transport_info("ssl_object"), demand)

    def _handshake_failed(self, reply: Reply, place: "_Place", flaw: Flaw) -> "_HandshakeFailed":
        self._told(place, Proof.NONE, flaw, reply.text)
        evidence = Evidence(place.host, place.address)
        return _HandshakeFailed(reply, evidence, insecure=not place.plan.demand.clear_allowed, flaw=flaw)

    def _told(self, place: "_Place", proof: Proof, flaw: Flaw | None, detail: str = "") -> None:
        if place.is_told:
            return
        self._watch(
            Verdict(place.target.domain, place.plan.policy, place.host, place.address, proof, flaw, detail, place.ours)
        )

    def _failure(self, error: Exception, place: "_Place", evidence: Evidence) -> Unreachable:
        insecure = place.target.demands_tls or not place.plan.demand.clear_allowed
        if isinstance(error, Unproven):
            self._told(place, Proof.NONE, error.flaw, str(error))
            return _unproven(error, evidence)
        if isinstance(error, OwnTlsBroken):
            return Unreachable(Reply(454, "4.3.5", f"Not sent: {error}"), evidence, insecure=insecure)
        if isinstance(error, SMTPResponseException) and not 200 <= error.code < 600:
            return Unreachable(lost_reply(error), evidence, insecure=insecure)
        if isinstance(error, SMTPConnectResponseError | SMTPHeloError):
            # A 5xx before MAIL FROM speaks of this host and this hour, not of the recipient.
            said = read_reply(error)
            return Unreachable(Reply(451, "4.3.2", f"The host said {said}"), evidence, insecure=insecure)
        text = "timed out" if isinstance(error, TimeoutError) else _os_reason(error)
        return Unreachable(Reply(451, "4.4.1", f"Connecting failed: {text}"), evidence, insecure=insecure)


class _HandshakeFailed(Unreachable):
    """STARTTLS was agreed on and the handshake did not end well."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One address of one host, and what it must show. `is_told`: how TLS went there has been told already."""

    target: Target
    plan: Plan
    host: str
    address: str
    port: int
    is_told: bool = False
    ours: str = ""  # the address we come from, once connected


class _Tries:
    """Gathers what went wrong with each host and address of a target, and says what follows for all of them."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._failures: list[Unreachable] = []
        self.found_ourselves = False
        self.found_private = False

    def failed(self, failure: Unreachable) -> None:
        """Note that one host or address will not do, and why."""
        self._failures.append(failure)

    def verdict(self) -> DeliveryError:
        """The error that says what went wrong with all of them."""
        if not self._failures:
            if self.found_ourselves:
                return Undeliverable(LOOP)
            if self.found_private:
                return Undeliverable(PRIVATE)
            if self._target.host is None:
                return Undeliverable(
                    Reply(550, "5.4.4", "The recipient's domain names mail servers without an address")
                )
            reply = Reply(451, "4.4.4", "The mail server's name has no address")
            return Unreachable(reply, insecure=self._target.demands_tls)
        passing = [failure for failure in self._failures if not failure.is_final]
        if passing and self._target.requires_tls:
            return passing[-1]  # while one of them may still turn out proven, the message waits
        # A peer that was reached and failed its proof says more than one that was not reached.
        proofs = [failure for failure in self._failures if failure.reply.status == "4.7.5"]
        return (proofs or self._failures)[-1]


def _unproven(error: Unproven, evidence: Evidence) -> Unreachable:
    return Unreachable(Reply(454, "4.7.5", f"Not sent: {error}"), evidence, insecure=True, flaw=error.flaw)


def _cut(smtp: SMTP) -> None:
    if smtp.transport is not None:
        transport_of(smtp).abort()
    smtp.close()


def _evidence(place: _Place, shown: PeerTls) -> Evidence:
    return Evidence(
        place.host,
        place.address,
        shown.protocol,
        shown.cipher,
        str(shown.proof),
        shown.certificate_sha256,
        shown.names,
        shown.public_key_sha256,
        shown.proven_by,
    )


def _os_reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ConnectionError) and cause.errno is not None:
        return os.strerror(cause.errno)  # asyncio says which call failed, and not how
    return str(getattr(cause, "strerror", None) or UNPRINTABLE.sub(" ", str(cause)))[:200]
