"""Prosody and ejabberd as Debian ships them: each from a private folder, on loopback, on ports of its own.

Both serve the same: the domain `chat.test` with accounts, rooms at `rooms.chat.test`, files at `upload.chat.test`, and
a component at `cti.chat.test`; TLS by a CA of the check's own; archives of accounts and rooms; stream management.
"""

import contextlib
import http.client
import json
import os
import signal

import machine
import product
from machine import Failed

DOMAIN = "chat.test"
ROOMS = f"rooms.{DOMAIN}"
UPLOAD = f"upload.{DOMAIN}"
COMPONENT = f"cti.{DOMAIN}"

PASSWORD = "a password of the check"
SECRET = "a secret of the check"

# A server that is ready on a quiet machine in 2 s may take long while others build.
START_SECONDS = 60
STOP_SECONDS = 20

# How long a client that vanished is waited for to resume. Longer than any outage that is made here.
RESUME_SECONDS = 120

# Bytes of one stanza: the servers' own defaults. 10 MB end here, not in schakel.
STANZA_BYTES_MAX = 262144

PROSODY = """
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
log = {{ {{ levels = {{ min = "info" }}; to = "console" }} }}
certificates = "{folder}"
plugin_paths = {{ "/usr/lib/prosody/modules" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {client} }}
s2s_ports = {{ }}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {component} }}
http_ports = {{ }}
https_interfaces = {{ "127.0.0.1" }}
https_ports = {{ {https} }}
https_certificate = "{folder}/chain.pem"
https_ssl = {{ certificate = "{folder}/chain.pem"; key = "{folder}/server.key" }}
http_default_host = "{upload}"
ssl = {{ certificate = "{folder}/chain.pem"; key = "{folder}/server.key" }}
c2s_require_encryption = true
authentication = "internal_hashed"
storage = {{ archive = "sql"; archive2 = "sql"; muc_log = "sql" }}
default_storage = "internal"
sql = {{ driver = "SQLite3"; database = "{folder}/archive.sqlite" }}
modules_enabled = {{
  "roster"; "saslauth"; "tls"; "disco"; "ping"; "carbons"; "pep"; "smacks"; "mam"; "offline"; "blocklist"; "uptime";
}}
modules_disabled = {{ "s2s" }}
smacks_hibernation_time = {resume}
smacks_max_unacked_stanzas = 0
archive_expires_after = "never"
default_archive_policy = true
max_archive_query_results = 250
c2s_stanza_size_limit = {stanza}
component_stanza_size_limit = {stanza}

VirtualHost "{domain}"
  disco_items = {{ {{ "{rooms}", "rooms" }}, {{ "{upload}", "files" }}, {{ "{cti}", "contact centre" }} }}

Component "{rooms}" "muc"
  modules_enabled = {{ "muc_mam" }}
  muc_log_by_default = true
  muc_log_expires_after = "never"
  restrict_room_creation = false

Component "{upload}" "http_file_share"
  http_host = "localhost"
  http_external_url = "https://localhost:{https}/"
  http_file_share_size_limit = 20000000
  http_file_share_access = {{ "{domain}"; "{cti}" }}

Component "{cti}"
  component_secret = "{secret}"
  modules_enabled = {{ }}
"""

EJABBERD = """
loglevel: 3
hosts: ["{domain}"]
certfiles: ["{folder}/all.pem"]
ca_file: "{folder}/ca.pem"
disable_sasl_mechanisms: []
auth_method: [mnesia]
auth_password_format: scram
sql_type: sqlite
sql_database: "{folder}/archive.sqlite"
default_db: mnesia
listen:
  -
    port: {client}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: {stanza}
    shaper: none
    access: everyone
    starttls_required: true
  -
    port: {component}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: everyone
    shaper: none
    max_stanza_size: {stanza}
    hosts:
      "{cti}":
        password: "{secret}"
  -
    port: {https}
    ip: "127.0.0.1"
    module: ejabberd_http
    tls: true
    request_handlers:
      /upload: mod_http_upload
  -
    port: {control}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /api: mod_http_api
acl:
  local:
    user_regexp: ""
  loopback:
    ip: [127.0.0.0/8]
access_rules:
  everyone:
    allow: all
api_permissions:
  "loopback":
    who:
      access:
        allow:
          acl: loopback
    what: "*"
shaper_rules:
  max_user_sessions: 100
  max_user_offline_messages: 100000
modules:
  mod_adhoc: {{}}
  mod_admin_extra: {{}}
  mod_blocking: {{}}
  mod_caps: {{}}
  mod_carboncopy: {{}}
  mod_disco: {{}}
  mod_http_api: {{}}
  mod_http_upload:
    host: "{upload}"
    put_url: "https://localhost:{https}/upload"
    get_url: "https://localhost:{https}/upload"
    docroot: "{folder}/files"
    access: everyone
    max_size: 20000000
  mod_mam:
    db_type: sql
    default: always
    assume_mam_usage: true
    compress_xml: false
    request_activates_archiving: false
    clear_archive_on_room_destroy: false
  mod_muc:
    host: "{rooms}"
    access: everyone
    access_create: everyone
    access_persistent: everyone
    access_mam: everyone
    min_message_interval: 0
    min_presence_interval: 0
    max_users_presence: 1000
    max_user_conferences: 5000
    default_room_options:
      mam: true
      persistent: false
  mod_offline:
    access_max_user_messages: max_user_offline_messages
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_pubsub:
    plugins: [flat, pep]
  mod_roster: {{}}
  mod_stream_mgmt:
    resend_on_timeout: if_offline
    resume_timeout: {resume}
    max_resume_timeout: {resume}
    max_ack_queue: 50000
"""


class Server:
    """A server that can be started, stopped, killed and frozen, on the same ports and the same data each time."""

    name = ""
    # Its configuration, and what the file must be called.
    template = ""
    config_name = ""

    def __init__(self, folder, accounts):
        self.folder = folder / self.name
        self.folder.mkdir()
        self.accounts = accounts
        self.client_port, self.component_port, self.https_port, self.control_port = machine.unused_ports(4)
        self.log = self.folder / "server.log"
        self.process = None
        machine.certificates(self.folder, [DOMAIN, ROOMS, UPLOAD, COMPONENT])
        self.ca_file = self.folder / "ca.pem"
        self.config = self.folder / self.config_name
        self.config.write_text(
            self.template.format(
                folder=self.folder, client=self.client_port, component=self.component_port, https=self.https_port,
                control=self.control_port, domain=DOMAIN, rooms=ROOMS, upload=UPLOAD, cti=COMPONENT, secret=SECRET,
                resume=RESUME_SECONDS, stanza=STANZA_BYTES_MAX,
            )  # fmt: skip
        )

    def ports(self):
        """All must be open before the server is ready: they are not opened at the same moment."""
        return [self.client_port, self.component_port, self.https_port]

    def start(self):
        """Starts it and waits until every port is open."""
        self.process = self.spawn()
        for port in self.ports():
            product.wait_until(f"{self.name} on port {port}", START_SECONDS, lambda p=port: product.is_open(p), self.process)

    def stop(self):
        """Ends it as an administrator would."""
        self.resume()
        machine.stop(self.process, STOP_SECONDS)

    def kill(self):
        """SIGKILL."""
        machine.stop(self.process, STOP_SECONDS, signal.SIGKILL)

    def freeze(self):
        """It stops answering, and its connections stay."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        """It goes on after `freeze`."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)

    def spawn(self):
        """Starts its process."""
        raise NotImplementedError

    def version(self):
        """Name and version."""
        return self.name


class Prosody(Server):
    """Prosody; accounts are made with prosodyctl before it starts."""

    name = "prosody"
    template = PROSODY
    config_name = "prosody.cfg.lua"

    def __init__(self, folder, accounts):
        super().__init__(folder, accounts)
        (self.folder / "data").mkdir()
        for account in accounts:
            machine.run("prosodyctl", "--config", self.config, "register", account, DOMAIN, PASSWORD)

    def spawn(self):
        return machine.spawn(["prosody", "--config", self.config, "-F"], self.log)

    def version(self):
        return "Prosody " + machine.run("dpkg-query", "-W", "-f", "${Version}", "prosody")


class Ejabberd(Server):
    """ejabberd without a node name: no epmd, no cookie. Accounts are made over its HTTP API when it first runs."""

    name = "ejabberd"
    template = EJABBERD
    config_name = "ejabberd.yml"

    def __init__(self, folder, accounts):
        super().__init__(folder, accounts)
        (self.folder / "spool").mkdir()
        (self.folder / "files").mkdir()
        self.registered = False

    def ports(self):
        return [*super().ports(), self.control_port]

    def start(self):
        super().start()
        if not self.registered:
            for account in self.accounts:
                self.command("register", {"user": account, "host": DOMAIN, "password": PASSWORD})
            self.registered = True

    def spawn(self):
        environment = product.ENVIRONMENT | {
            "EJABBERD_CONFIG_PATH": str(self.config),
            "EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"),
            "ERL_CRASH_DUMP": "/dev/null",
            "ERL_LIBS": self.libraries(),
            "HOME": str(self.folder),
        }
        mnesia = ["-mnesia", "dir", f'"{self.folder}/spool"']
        return machine.spawn(["erl", "-noinput", "+K", "true", *mnesia, "-s", "ejabberd"], self.log, environment)

    @staticmethod
    def libraries():
        """Where Debian has ejabberd for this processor, as its own ejabberdctl says."""
        with open("/usr/sbin/ejabberdctl", encoding="utf-8") as script:
            for line in script:
                if line.startswith("ERL_LIBS="):
                    return line.split("=", 1)[1].strip().strip("'\"")
        raise Failed("ejabberdctl does not say where ejabberd is (ERL_LIBS)")

    def command(self, name, arguments):
        """A command of ejabberd's HTTP API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", f"/api/{name}", json.dumps(arguments), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read().decode(errors="replace")
            if response.status != 200:
                raise Failed(f"ejabberd: {name}: {response.status} {answer}")
            return answer

    def version(self):
        return "ejabberd " + machine.run("dpkg-query", "-W", "-f", "${Version}", "ejabberd")


KINDS = {"prosody": Prosody, "ejabberd": Ejabberd}


@contextlib.contextmanager
def server(kind, folder, accounts):
    """A running server with these accounts, whose end of the log is shown when the check fails."""
    made = KINDS[kind](folder, accounts)
    try:
        made.start()
        yield made
    except BaseException:
        print(f"---- last lines of {made.name} ----", machine.tail(made.log), "----", sep="\n", flush=True)
        raise
    finally:
        if made.process is not None:
            made.kill()


def clean_environment():
    """slixmpp and the servers read none of the caller's proxies."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        os.environ.pop(name, None)
