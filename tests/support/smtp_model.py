"""What an SMTP door may answer, written down a second time: slow, line by line, without a connection.

`Model.run` reads a client's whole stream of bytes, said at once behind the greeting, and gives the codes of the replies
and the messages that are taken. It knows RFC 5321 and what docs/flow.md and the threat model promise, and shares no
code with the door.
"""

import re
from dataclasses import dataclass, field

HTTP = {b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PATCH", b"TRACE", b"PRI"}
IDLE = {b"EHLO", b"HELO", b"NOOP", b"RSET", b"VRFY", b"EXPN", b"HELP", b"STARTTLS"}
LABEL = rb"[A-Za-z0-9_][A-Za-z0-9_-]*"
DOMAIN = re.compile(rb"%s(\.%s)*\.?" % (LABEL, LABEL))
LOCAL = re.compile(rb"[^\x00-\x20\x7f()<>\[\]:;@\\,\"]+")
LITERAL = re.compile(rb"\[[A-Za-z0-9:.\-]+\]")
NAME = re.compile(rb"[A-Za-z0-9._\-:\[\]]{1,255}")
ANY_NO = 599  # more than one thing is wrong with the line: which is told is the door's choice among NOES
NOES = {501, 550, 553, 554, 555}
ERRORS, IDLE_COMMANDS, LINE, LONG_LINE, AUTH_LINE = 20, 100, 512, 2048, 12288


class _End(Exception):
    """The door hangs up."""


@dataclass
class Model:
    """One session. `ours`: the domains that may send; `inbound`: the door takes mail for these alone."""

    ours: tuple[bytes, ...] = (b"example.com",)
    inbound: bool = False
    tls: bool = False
    codes: list[int] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)  # the line behind each code
    taken: list[tuple[tuple[bytes, ...], bytes]] = field(default_factory=list)
    hello: bytes = b""
    sender: bytes | None = None
    recipients: list[bytes] = field(default_factory=list)
    refused: int = 0
    errors: int = 0
    idle: int = 0
    _data: bytes = b""
    _at: int = 0

    def run(self, data: bytes) -> "Model":
        """Answer everything."""
        self._data, self._at = data, 0
        try:
            while (end := data.find(b"\n", self._at)) >= 0:
                line, self._at = data[self._at : end + 1], end + 1
                self._answer(self._command(line), line)
        except _End:
            pass
        return self

    def agrees(self, codes: list[int]) -> bool:
        """Are these the replies?"""
        return len(codes) == len(self.codes) and all(
            heard == wanted or (wanted == ANY_NO and heard in NOES)
            for heard, wanted in zip(codes, self.codes, strict=True)
        )

    def _answer(self, code: int, line: bytes) -> None:
        self.codes.append(code)
        self.said += [line] * (len(self.codes) - len(self.said))
        if code >= 400 and code not in (451, 452):
            self.errors += 1
            if self.errors >= ERRORS:
                self._hang_up(421)

    def _hang_up(self, code: int | None = None) -> None:
        if code is not None:
            self.codes.append(code)
        raise _End

    def _command(self, line: bytes) -> int:
        if len(line) > AUTH_LINE + 1 and not line.endswith(b"\r\n"):
            return 500
        if not line.endswith(b"\r\n") or any(char in line[:-2] for char in (0, 10, 13)) or not _is_utf8(line):
            return 500
        words = line[:-2].strip(b" \t")
        verb, _, argument = words.partition(b" ")
        verb, argument = verb.upper(), argument.strip(b" \t")
        if not verb:
            return 500
        if verb in HTTP:
            self._hang_up(554)
        limit = {b"MAIL": LONG_LINE, b"RCPT": LONG_LINE, b"AUTH": AUTH_LINE}.get(verb, LINE)
        if len(line) > limit:
            return 500
        method = getattr(self, f"_{verb.decode('ascii', 'replace').lower()}_", None) if verb.isalpha() else None
        if method is None:
            return 500
        if verb in IDLE:
            self.idle += 1
            if self.idle > IDLE_COMMANDS:
                self._hang_up(421)
        code: int = method(argument)
        return code

    def _forget(self) -> None:
        self.sender, self.recipients, self.refused = None, [], 0

    # -- commands: one method each, named after it ----------------------------------------------------------------

    def _ehlo_(self, argument: bytes) -> int:
        if not NAME.fullmatch(argument):
            return 501
        self.hello = b"EHLO"
        self._forget()
        return 250

    def _helo_(self, argument: bytes) -> int:
        code = self._ehlo_(argument)
        self.hello = b"HELO" if code == 250 else self.hello
        return code

    def _mail_(self, argument: bytes) -> int:
        if not self.hello or self.sender is not None:
            return 503
        found = _path(argument, b"FROM:")
        if found is None:
            return 501
        path, parameters = found
        if not all(re.fullmatch(rb"(?i)BODY=(7BIT|8BITMIME)|SIZE=\d{1,4}", word) for word in parameters):
            return ANY_NO
        if parameters and self.hello != b"EHLO":
            return 555
        code = _mailbox(path) if path else 250
        if code == 250 and path and not self.inbound and not self._is_ours(path):
            code = 550
        if code == 250:
            self.sender = path
        return code

    def _rcpt_(self, argument: bytes) -> int:
        if self.sender is None:
            return 503
        code = self._recipient(argument)
        self.refused += code != 250
        return code

    def _recipient(self, argument: bytes) -> int:
        found = _path(argument, b"TO:")
        if found is None or not found[0]:
            return 501
        path, parameters = found
        if parameters:
            return ANY_NO
        if path.lower() == b"postmaster":
            path = b"postmaster@" + self.ours[0]
        else:
            code = _mailbox(path)
            if code != 250:
                return code
            local, _, domain = path.rpartition(b"@")
            if b"%" in local or b"!" in local:
                return 553
            if domain.startswith(b"["):
                return 550
        if self.inbound and not self._is_ours(path):
            return 554
        if path not in self.recipients:
            self.recipients.append(path)
        return 250

    def _data_(self, argument: bytes) -> int:
        if argument:
            return 501
        if self.sender is None:
            return 503
        if not self.recipients:
            return 554 if self.refused else 503
        recipients = tuple(self.recipients)
        self._forget()
        self.codes.append(354)
        text = b"\r\n" + self._data[self._at :]
        end = text.find(b"\r\n.\r\n")
        if end < 0:
            self._hang_up()
        self._at += end + 3
        body = text[2 : end + 2]
        if re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", text[: end + 2]):
            return 554
        self.taken.append((recipients, re.sub(rb"(?m)^\.", b"", body)))
        self.errors = self.idle = 0
        return 250

    def _rset_(self, argument: bytes) -> int:
        if argument:
            return 501
        self._forget()
        return 250

    def _noop_(self, _argument: bytes) -> int:
        return 250

    def _vrfy_(self, argument: bytes) -> int:
        return 252 if argument else 501

    def _expn_(self, _argument: bytes) -> int:
        return 502

    def _help_(self, _argument: bytes) -> int:
        return 214

    def _auth_(self, _argument: bytes) -> int:
        return 502 if self.hello == b"EHLO" else 503

    def _starttls_(self, argument: bytes) -> int:
        if argument:
            return 501
        if self.tls:
            self._hang_up(220)  # what is said behind it is no handshake: nothing of it is ever obeyed
        return 502

    def _quit_(self, argument: bytes) -> int:
        if not argument:
            self._hang_up(221)
        return 501

    def _is_ours(self, path: bytes) -> bool:
        return path.rpartition(b"@")[2].lower().rstrip(b".") in self.ours


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _path(argument: bytes, keyword: bytes) -> tuple[bytes, list[bytes]] | None:
    """`FROM:<path> words`; None: not so. An empty path has to have its brackets."""
    if argument[: len(keyword)].upper() != keyword:
        return None
    rest = argument[len(keyword) :].lstrip(b" \t")
    if not rest.startswith(b"<"):
        path, _, words = rest.partition(b" ")
        return (path, words.split()) if path else None
    found = re.fullmatch(rb'<((?:[^">]|"(?:[^"\\]|\\.)*")*)>(?:[ \t](.*))?', rest, re.DOTALL)
    return None if found is None else (found[1], (found[2] or b"").split())


def _mailbox(path: bytes) -> int:
    """250, or how an address is refused."""
    if path.startswith(b"@"):  # a source route
        return 553
    local, at, domain = path.rpartition(b"@")
    if not at:
        return 501
    if len(local) > 1 and local.startswith(b'"') and local.endswith(b'"'):
        local = re.sub(rb"\\(.)", rb"\1", local[1:-1])
    if b"@" in local or not LOCAL.fullmatch(local) or not local.isascii():
        return 553
    return 250 if DOMAIN.fullmatch(domain) or LITERAL.fullmatch(domain) else 553
