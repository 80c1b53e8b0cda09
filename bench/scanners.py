"""What people put together to have outgoing mail scanned: each is set to look for the same expressions, and no more."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from peers import Peer, PostfixPeer, free_port, wait_for

# What every scanning peer is asked to find in texts and in attachments after their transfer encoding is undone: some of
# what the shipped policy looks for, so that they have no more to do than we.
PATTERNS = {
    "SSN": r"\b(?!000|666|9\d\d)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4}\b",
    "CARD": r"\b(?:4\d{3}|5[1-5]\d{2}|6011|3[47]\d{2})[ -]?\d{4}[ -]?\d{4}[ -]?\d{3,4}\b",
    "IBAN": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b",
    "ROUTING": r"\b(?:routing|ABA)\D{0,20}\d{9}\b",
    "NPI": r"\bNPI\D{0,20}\d{10}\b",
    "DEA": r"\b[ABFGMPRX][A-Z9]\d{7}\b",
    "MBI": r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[AC-HJKMNP-RT-Y]",
    "MRN": r"\b(?:MRN|medical record)\D{0,20}\d{6,10}\b",
    "BORN": r"\b(?:DOB|date of birth)\D{0,20}\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b",
    "CONFIDENTIAL": r"\b(?:strictly confidential|diagnosis|prescription)\b",
}


def reachable(folder: Path) -> None:
    """Let a program's own user come to a folder of ours."""
    for parent in folder.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)


class RspamdPeer(PostfixPeer):
    """Postfix with an rspamd milter that looks for PATTERNS in texts and decoded attachments, and does nothing else."""

    name = "postfix+rspamd"

    @classmethod
    def missing(cls) -> str:
        """As `Peer`."""
        return super().missing() or ("" if shutil.which("rspamd") else "the package rspamd")

    def start(self, more: dict[str, str] | None = None) -> None:
        """As `Peer`."""
        folder = self.folder / "rspamd"
        for name in ("db", "log", "run"):
            (folder / name).mkdir(parents=True)
            shutil.chown(folder / name, "_rspamd", "_rspamd")
        reachable(folder)
        milter = folder / "run" / "milter.sock"
        config = folder / "rspamd.conf"
        config.write_text(self._config(folder, milter))
        words = ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", str(config)]
        words += [f"--var={name}DIR={folder / name.lower()}" for name in ("DB", "RUN", "LOG")]
        with (folder / "said").open("wb") as said:
            pid = self.end(subprocess.Popen(words, stdout=said, stderr=said))
        wait_for(milter.exists, why="rspamd's milter is there")
        super().start(
            {
                "smtpd_milters": f"unix:{milter}",
                "milter_default_action": "tempfail",
                "milter_content_timeout": "120s",
            }
        )
        self.roots.append(pid)

    def _config(self, folder: Path, milter: Path) -> str:
        rules = "".join(
            f"  {name} {{ re = '/{regex.replace('/', chr(92) + '/')}/P'; score = 1.0; }}\n"
            for name, regex in PATTERNS.items()
        )
        return f"""\
options {{ pidfile = "{folder}/run/rspamd.pid"; filters = "regexp"; check_text_attachments = true; max_message = 100mb;
  task_timeout = 60s; url_tld = "/usr/share/rspamd/effective_tld_names.dat"; hs_cache_dir = "{folder}/db";
  control_socket = "{folder}/run/rspamd.sock mode=0600";
  dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }} }}
logging {{ type = "file"; filename = "{folder}/log/rspamd.log"; level = "notice"; log_buffered = true; }}
actions {{ reject = 1000; add_header = 999; greylist = 998; }}
metric {{ name = default; actions {{ reject = 1000; add_header = 999; greylist = 998; }} }}
worker "rspamd_proxy" {{ milter = yes; bind_socket = "{milter} mode=0666"; count = {os.cpu_count()}; timeout = 120s;
  upstream "local" {{ default = yes; self_scan = yes; }} }}
worker "hs_helper" {{ count = 1; cache_dir = "{folder}/db"; }}
modules {{ path = "/usr/share/rspamd/plugins"; }}
regexp {{
  max_size = 0;
{rules}}}
"""


class AmavisPeer(PostfixPeer):
    """Postfix with amavis behind it, which has SpamAssassin look for PATTERNS in what it decodes."""

    name = "postfix+amavis"
    share = 0.1  # it is slow

    @classmethod
    def missing(cls) -> str:
        """As `Peer`."""
        there = cls._program() and shutil.which("spamassassin")
        return super().missing() or ("" if there else "the packages amavisd-new and spamassassin")

    @staticmethod
    def _program() -> str | None:
        return shutil.which("amavisd-new") or shutil.which("amavisd")

    def start(self, more: dict[str, str] | None = None) -> None:
        """As `Peer`."""
        folder, program = self.folder / "amavis", self._program()
        assert program is not None
        for name in ("tmp", "db", "var", "rules", "site"):
            (folder / name).mkdir(parents=True)
        for name in ("tmp", "db", "var"):
            shutil.chown(folder / name, "amavis", "amavis")
        reachable(folder)
        rules = "".join(
            f"body {name} /{regex.replace('/', chr(92) + '/')}/\nscore {name} 0.1\n" for name, regex in PATTERNS.items()
        )
        (folder / "rules" / "patterns.cf").write_text(f"use_bayes 0\nskip_rbl_checks 1\nrequired_score 1000\n{rules}")
        (folder / "site" / "init.pre").write_text("loadplugin Mail::SpamAssassin::Plugin::Check\n")
        (folder / "site" / "local.cf").touch()
        takes, back = free_port(), free_port()
        config = folder / "amavisd.conf"
        config.write_text(self._config(folder, takes, back))
        with (folder / "said").open("wb") as said:
            words = [program, "-c", str(config), "foreground"]
            pid = self.end(subprocess.Popen(words, stdout=said, stderr=said))
        wait_for(lambda: self.greets(takes), why="amavis greets")
        services = f"""\
scan unix - - n - 16 smtp
  -o smtp_tls_security_level=none
127.0.0.1:{back} inet n - n - - smtpd
  -o content_filter=
  -o receive_override_options=no_header_body_checks,no_milters
"""
        super().start({"content_filter": f"scan:[127.0.0.1]:{takes}"}, services)
        self.roots.append(pid)

    def _config(self, folder: Path, takes: int, back: int) -> str:
        return f"""\
use strict;
$max_servers = 16; $max_requests = 2000; $daemon_user = 'amavis'; $daemon_group = 'amavis';
$mydomain = 'example.com'; $myhostname = 'amavis.example.com';
$MYHOME = '{folder}/var'; $TEMPBASE = '{folder}/tmp'; $db_home = '{folder}/db'; $helpers_home = '{folder}/var';
$lock_file = '{folder}/var/lock'; $pid_file = '{folder}/var/pid'; $QUARANTINEDIR = undef;
$enable_db = 0; $enable_global_cache = 0; $nanny_details_level = 0;
$log_level = 0; $do_syslog = 0; $LOGFILE = '{folder}/var/log';
$inet_socket_port = {takes}; $inet_socket_bind = '127.0.0.1'; @inet_acl = qw(127.0.0.1); @mynetworks = qw(127.0.0.0/8);
$forward_method = 'smtp:[127.0.0.1]:{back}'; $notify_method = $forward_method;
@bypass_virus_checks_maps = (1); @bypass_banned_checks_maps = (1); @bypass_header_checks_maps = (1);
@bypass_spam_checks_maps = (0); $sa_local_tests_only = 1; $sa_mail_body_size_limit = undef;
$sa_configpath = '{folder}/rules'; $sa_siteconfigpath = '{folder}/site'; $sa_userprefs_file = '{folder}/site/local.cf';
$sa_tag_level_deflt = undef; $sa_tag2_level_deflt = 1000; $sa_kill_level_deflt = 10000; $sa_spam_subject_tag = undef;
$enable_dkim_verification = 0; $enable_dkim_signing = 0; $allow_disclaimers = 0;
$final_spam_destiny = D_PASS; $final_bad_header_destiny = D_PASS;
1;
"""


class HarakaPeer(Peer):
    """Haraka with a plugin that looks for PATTERNS in texts and decoded attachments, and its own outbound queue.

    Found by `HARAKA`, a folder where `npm install Haraka` was run.
    """

    name = "haraka"

    @classmethod
    def missing(cls) -> str:
        """As `Peer`."""
        if not shutil.which("node"):
            return "node"
        return "" if cls._program().exists() else "HARAKA, a folder where `npm install Haraka` was run"

    @staticmethod
    def _program() -> Path:
        return Path(os.environ.get("HARAKA", "."), "node_modules", "Haraka", "bin", "haraka")

    def start(self) -> None:
        """As `Peer`."""
        folder = self.folder / "haraka"
        settings = {
            "config/smtp.ini": f"listen=127.0.0.1:{self.port}\nnodes={os.cpu_count()}\n",
            "config/me": "haraka.example.com\n",
            "config/host_list": "example.com\n",
            "config/databytes": "100000000\n",
            "config/loglevel": "NOTICE\n",
            "config/log.ini": "[main]\nlevel=notice\n",
            "config/outbound.ini": "enable_tls=true\nlocal_mx_ok=true\nconcurrency_max=100\npool_concurrency_max=20\n",
            "config/tls.ini": "[outbound]\nrejectUnauthorized=false\n",
            "config/plugins": "scan\n",
            "plugins/scan.js": self._plugin(),
        }
        for name, text in settings.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "queue").mkdir()
        shutil.copy(self._program().parent.parent / "config" / "connection.ini", folder / "config")  # it must be there
        with (folder / "said").open("wb") as said:
            words = ["node", str(self._program().resolve()), "-c", str(folder)]
            self.roots = [self.end(subprocess.Popen(words, stdout=said, stderr=said, cwd=folder))]
        wait_for(lambda: self.greets(self.port), why="Haraka greets")

    def _plugin(self) -> str:
        wanted = json.dumps(list(PATTERNS.values()))
        return f"""\
'use strict';
const wanted = {wanted}.map((regex) => new RegExp(regex));
exports.register = function () {{
  this.register_hook('connect', 'trust'); this.register_hook('rcpt', 'take'); this.register_hook('get_mx', 'way');
  this.register_hook('data', 'begin'); this.register_hook('data_post', 'scan');
}};
exports.trust = (next, connection) => {{ connection.relaying = true; next(); }};
exports.take = (next) => next(OK);
exports.way = (next) => next(OK, {{ priority: 0, exchange: '127.0.0.1', port: {self.sink_port} }});
exports.begin = (next, connection) => {{
  const mail = connection.transaction;
  mail.parse_body = true;
  mail.notes.files = [];
  mail.attachment_hooks((type, name, body, stream) => {{
    const pieces = [];
    stream.connection = connection;
    stream.on('data', (piece) => pieces.push(Buffer.from(piece)));
    stream.on('end', () => mail.notes.files.push(Buffer.concat(pieces).toString('latin1')));
  }});
  next();
}};
const texts = (body) => [body.bodytext || '', ...(body.children || []).flatMap(texts)];
exports.scan = (next, connection) => {{
  const mail = connection.transaction;
  const all = [...texts(mail.body), ...mail.notes.files];
  if (all.some((text) => wanted.some((regex) => regex.test(text)))) mail.add_header('X-Found', 'yes');
  next();
}};
"""


SCANNERS: tuple[type[Peer], ...] = (RspamdPeer, AmavisPeer, HarakaPeer)
