"""A real Exim that sends one message to a smart host. Debian has it not beside Postfix, so it is unpacked."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_UID = 65533
_CONFIG = """\
exim_path = {program}
primary_hostname = mail.example.com
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
keep_environment =
tls_advertise_hosts =
disable_ipv6 = true
untrusted_set_sender = *
begin routers
smarthost:
  driver = manualroute
  transport = smarthost
  route_list = * 127.0.0.1
  self = send
begin transports
smarthost:
  driver = smtp
  port = {port}
"""
# Exim wants a user of its own: it has one in a namespace where the system's lists of users and groups are ours.
_WITH_USER = 'mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && shift && exec "$@"'


def program() -> Path:
    """Where it is: unpacked beside the virtual environment by .ci/system-packages, or installed."""
    for place in (Path(sys.prefix) / "exim/usr/sbin/exim4", Path("/usr/sbin/exim4")):
        if place.is_file() and shutil.which("unshare"):
            return place
    pytest.skip("missing: Exim, unpacked by make system-packages")


def send(folder: Path, port: int, sender: str, recipient: str, raw: bytes) -> None:
    """Give Exim a message (lines end as Unix has them), and have it delivered to the smart host, now."""
    found = program()
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.xfail("nobody here may make a mount namespace, in which Exim finds its user")
    for name in ("spool", "log"):
        (folder / name).mkdir(parents=True)
        shutil.chown(folder / name, _UID, _UID)
    for parent in (folder, *folder.parents):  # Exim's own user must be able to reach the folder
        if parent != Path("/") and parent.stat().st_uid == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    (folder / "exim.conf").write_text(_CONFIG.format(program=found, folder=folder, port=port))
    (folder / "exim.conf").chmod(0o644)
    (folder / "passwd").write_text(
        Path("/etc/passwd").read_text() + f"Debian-exim:x:{_UID}:{_UID}::/nonexistent:/usr/sbin/nologin\n"
    )
    (folder / "group").write_text(Path("/etc/group").read_text() + f"Debian-exim:x:{_UID}:\n")
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", _WITH_USER, "sh", str(folder), str(found),
         "-C", str(folder / "exim.conf"), "-odf", "-i", "-f", sender, recipient],
        input=raw, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    log = "".join(path.read_text() for path in (folder / "log").iterdir())
    assert done.returncode == 0 and "Completed" in log, f"{done.stderr!r} {log}"
