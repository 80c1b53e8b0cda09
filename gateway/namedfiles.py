"""Tries the files and folders that the configuration names, before anything starts: data, packs, logins, certificates,
the keyring. `consistency.py` asks.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from glob import has_magic
from itertools import chain
from pathlib import Path
from typing import Any, Final

from delivery.hops import HopSettings
from gateway.certificates import check_authorities, check_pair
from gateway.yamlmarks import Document
from keys.errors import KeysError
from keys.keyring import KeyRing, keyring_path
from policy.problem import Path as Place
from policy.problem import Problem
from portal.settings import PortalSettings

_OURS: Final = ("sealgate.db", "blobs", "workers", "metrics", "matcher")  # how names of what we write in `data` begin
Draft = Mapping[str, Any]  # the parts of the configuration that are good by themselves


# By stat, not by `exists` and its like: where a folder may not be looked into, some Pythons' say no, others' raise.


def is_file(path: Path) -> bool:
    """Whether there is such a file; no where its folder may not be looked into."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _may_look(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        return False
    except OSError:
        return True
    return True


def _is_seen(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def check_folder(draft: Draft, document: Document) -> Iterator[Problem]:
    """The data folder can be written, or made."""
    if "data" not in draft:
        return
    data: Path = draft["data"]
    if _is_seen(data) and not data.is_dir():
        yield document.problem(("data",), f"{data} is no folder")
        return
    there = next(folder for folder in (data, *data.parents) if _is_seen(folder))
    if not os.access(there, os.W_OK | os.X_OK):
        what = "cannot be written" if there == data else f"cannot be made: {there} cannot be written"
        hint = "run this as the service's user, or change the folder's owner"
        if os.statvfs(there).f_flag & os.ST_RDONLY:
            hint = "its file system is mounted read-only: mount it for writing"
        yield document.problem(("data",), f"{data} {what}", hint)
    elif there == data and (strange := _not_ours(data)) is not None:
        hint = f"as after a copy was put back by root: run chown -R --reference={data} {data}"
        yield document.problem(("data",), f"{strange} in it cannot be written by the owner of {data}", hint)


def _not_ours(data: Path) -> Path | None:
    """A file or folder of ours in the data folder that this user cannot write; for root, one that its owner cannot.

    Folders of blobs are looked into one level deep: what is copied as one has one owner.
    """
    owner = data.stat()
    for one in chain(data.glob("*"), (data / "blobs").glob("*/")):
        try:
            status = one.lstat()
        except OSError:  # gone meanwhile: others work here
            continue
        if one.name.startswith(_OURS) or one.parent != data:
            mode = os.R_OK | os.W_OK | (os.X_OK if stat.S_ISDIR(status.st_mode) else 0)
            as_owner = owner.st_uid in (status.st_uid, 0) or bool(status.st_mode & 0o022)
            if not (as_owner if os.geteuid() == 0 else os.access(one, mode)):
                return one
    return None


def check_packs(draft: Draft, document: Document) -> Iterator[Problem]:
    """Pack files that are named exist; a glob may match none."""
    for index, entry in enumerate(draft.get("rules", ())):
        if entry != "builtin" and not has_magic(entry) and not is_file(Path(entry)):
            hint = "expected is builtin, a pack file, or a pattern such as local-rules/*.yaml"
            cause = "does not exist" if _may_look(Path(entry)) else "cannot be read: its folder may not be looked into"
            yield document.problem(("rules", index), f"{entry} {cause}", hint)


def check_logins(draft: Draft, document: Document) -> Iterator[Problem]:
    """Files of logins can be read."""
    from gateway.smtp.logins import LoginsInvalid, read_logins

    for index, listener in enumerate(draft.get("listeners", ())):
        if listener.logins is not None:
            try:
                read_logins(listener.logins)
            except LoginsInvalid as error:
                for flaw in error.flaws:
                    yield document.problem(("listeners", index, "logins"), flaw, "a line is name:$argon2id$…")


def check_certificates(draft: Draft, document: Document, now: datetime) -> Iterator[Problem]:
    """Certificates and keys of listeners, portal, hops and partners can be used, and belong together."""
    pairs: list[tuple[Place, Any, tuple[str, str]]] = []
    authorities: list[tuple[Place, Path | None]] = []
    for index, listener in enumerate(draft.get("listeners", ())):
        if listener.tls is not None:
            pairs.append((("listeners", index, "tls"), listener.tls, ("certificate", "key")))
            authorities.append((("listeners", index, "tls", "client_ca"), listener.tls.client_ca))
    portal: PortalSettings | None = draft.get("portal")
    if portal is not None and portal.tls is not None:
        pairs.append((("portal", "tls"), portal.tls, ("certificate", "key")))
    for name, partner in draft.get("partners", {}).items():
        if partner.tls.client_certificate is not None:
            pairs.append((("partners", name, "tls"), partner.tls, ("client_certificate", "client_key")))
        authorities.append((("partners", name, "tls", "ca"), partner.tls.ca))
    for name in ("next_hop", "inside"):
        hop: HopSettings | None = draft.get(name)
        if hop is not None:
            authorities.append(((name, "ca"), hop.ca))
            if hop.client_certificate is not None:
                pairs.append(((name,), hop, ("client_certificate", "client_key")))
    for path, section, names in pairs:
        files = (getattr(section, names[0]), getattr(section, names[1]))
        for complaint in check_pair(*files, now, names):
            problem = document.problem((*path, complaint.key), complaint.cause, complaint.hint)
            yield replace(problem, warning=complaint.warning)
    for path, file in authorities:
        for complaint in check_authorities(file, "") if file is not None else ():
            yield document.problem(path, complaint.cause, complaint.hint)


def keyring_file(where: str) -> Path:
    """The file that `keys` names, or the credential of the same name if the systemd unit hands one over. So root's
    commands and the service, which may not read root's file, share one configuration.
    """
    path = keyring_path(where)
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    handed = Path(credentials, path.name) if credentials else path
    return handed if is_file(handed) else path


def check_keyring(draft: Draft, document: Document, must: bool) -> Iterator[Problem]:
    """The keyring can be loaded. `must` False: it may be missing still."""
    if "keys" not in draft:
        return
    path = keyring_file(draft["keys"])
    if not _is_seen(path) and _may_look(path):
        if must:
            yield document.problem(
                ("keys",),
                f"{path} does not exist",
                "restore its copy; if there is none yet, `sealgate keys init` makes it",
            )
        return
    try:
        KeyRing.load(path)
    except KeysError as error:
        yield document.problem(("keys",), str(error), error.hint)
