"""Somebody at the portal: a browser's part in it, blocking, that survives a portal which is killed under its hands."""

import base64
import http.client
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Final
from urllib.parse import urlencode

from faults_peer import Got
from mailhosts import wait_for

Mails = Callable[[], Sequence[Got]]  # of one mailbox, in the order they came

_CODE: Final = re.compile(r"^\s*(\d{3} ?\d{3})\s*$", re.MULTILINE)
_LINK: Final = re.compile(r"http://localhost:\d+(/b/\S+)")
_TOKEN: Final = re.compile(r'name="csrf" value="([^"]+)"')
_ONCE: Final = re.compile(r'name="once" value="([^"]+)"')
_BOUNDARY: Final = "the-end-of-a-part"


def text_of(mail: Got) -> str:
    """Its plain text."""
    body = message_from_bytes(mail.raw, policy=policy.default).get_body(("plain",))  # type: ignore[attr-defined]  # by the policy
    return str(body.get_content()) if body is not None else ""


@dataclass
class Visitor:
    """One browser: its cookies, the token of the last page that had one, where it is."""

    port: int
    mails: Mails
    path: str = "/"
    text: str = ""
    _cookies: dict[str, str] = field(default_factory=dict)
    _token: str = ""
    _once: str = ""

    # -- requests ---------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str]]:
        """One request, on a connection of its own; status and headers. Raises OSError or HTTPException where the portal
        ends meanwhile.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Host"] = f"localhost:{self.port}"
        if self._cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            self.text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, kept = value.partition(";")[0].partition("=")
                self._cookies[cookie] = kept
        if found := _TOKEN.search(self.text):
            self._token = found[1]
        if found := _ONCE.search(self.text):
            self._once = found[1]
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}

    def get(self, path: str) -> int:
        """A page, wherever it leads to."""
        return self._follow(*self.ask("GET", path), path)

    def post(self, path: str, **fields: str) -> int:
        """A form, with the token, and where it leads to."""
        form = urlencode({"csrf": self._token, **fields})
        kind = "application/x-www-form-urlencoded"
        return self._follow(*self.ask("POST", path, form.encode(), Content_Type=kind), path)

    def answer(self, path: str, text: str, uploads: Sequence[str] = ()) -> int:
        """What somebody writes, with files that came before; from the form of the last page that had one."""
        fields = [("csrf", self._token), ("once", self._once), ("text", text)]
        fields += [("uploads", one.rpartition("/")[2]) for one in uploads]
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields
        ]
        body = "".join([*parts, f"--{_BOUNDARY}--\r\n"]).encode()
        status, _ = self.ask("POST", path, body, Content_Type=f"multipart/form-data; boundary={_BOUNDARY}")
        return status

    def _follow(self, status: int, headers: dict[str, str], path: str) -> int:
        self.path = path
        while status == 303:
            self.path = headers["location"]
            status, headers = self.ask("GET", self.path)
        return status

    # -- files on their way -------------------------------------------------------------------------------------------

    def announce(self, path: str, size: int) -> str:
        """A file of so many bytes is to come; the path of its upload, empty where it is refused."""
        metadata = ",".join(
            f"{name} {base64.b64encode(value).decode()}"
            for name, value in {"filename": b"scan.bin", "filetype": b"application/octet-stream"}.items()
        )
        status, headers = self._tus("POST", path, Upload_Length=str(size), Upload_Metadata=metadata)
        return headers["location"] if status == 201 else ""

    def piece(self, upload: str, offset: int, body: bytes) -> int:
        """Some of it."""
        kind = "application/offset+octet-stream"
        return self._tus("PATCH", upload, body, Upload_Offset=str(offset), Content_Type=kind)[0]

    def offset(self, upload: str) -> int:
        """How far it is; -1: there is none."""
        status, headers = self._tus("HEAD", upload)
        return int(headers["upload-offset"]) if status == 200 else -1

    def _tus(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str]]:
        return self.ask(method, path, body, Tus_Resumable="1.0.0", X_CSRF_Token=self._token, **headers)

    # -- ways in --------------------------------------------------------------------------------------------------

    def enter(self) -> str:
        """As a guest, by the newest link and a code; the path of the letter."""
        links = wait_for(lambda: [link for mail in self.mails() for link in _LINK.findall(text_of(mail))], why="a link")
        self.get(links[-1])
        assert self.post(f"{links[-1]}/open", code=self._code(lambda: self.post(f"{links[-1]}/code", by="code"))) == 200
        return self.path

    def enter_boxes(self, address: str) -> str:
        """As a sender, by a code; the path of their one box."""
        self.get("/boxes/signin")
        code = self._code(lambda: self.post("/boxes/signin", email=address))
        assert self.post("/boxes/signin/code", code=code) == 200
        [box] = set(re.findall(r'href="(/boxes/[0-9a-z]{26})"', self.text))
        return str(box)

    def _code(self, ask: Callable[[], int]) -> str:
        """The code that comes when it is asked for."""
        before = len(self._codes())
        assert ask() == 200
        return str(wait_for(lambda: self._codes()[before:], why="a code")[0])

    def _codes(self) -> list[str]:
        return [code.replace(" ", "") for mail in self.mails() for code in _CODE.findall(text_of(mail))]
