"""What visitors leave is mailed once, by a mail server that others wrote (aiosmtpd), over STARTTLS with a login (C15).

Run with the Python that has `aiosmtpd`. `openssl` makes the certificates.
"""

import asyncio
import contextlib
import email
import email.policy
import json
import logging
import pathlib
import signal
import ssl
import subprocess
import tempfile
import threading
import warnings

import product
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from product import Failed

# A mail that is due is tried at once; a debug binary on a busy machine, and a login, take a while.
SOON_SECONDS = 30

USER, PASSWORD = "schakel", "zeer-geheim-4711"
SENDER, RECIPIENT, STRANGER = "chat@gemeente.example", "kcc@gemeente.example", "evil@example.org"
QUEUE = "vragen"

# What makes a mail of what a visitor left, once each.
HEADERS = ["Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Reply-To", "Subject", "To"]

CONFIG = """
[journal]
path = "{folder}/schakel.db"

[api]
listen = "127.0.0.1:{api}"

[admin]
listen = "127.0.0.1:{admin}"

[[chat.queues]]
name = "{queue}"
title = "Vragen & klachten"
offline_addresses = ["{recipient}"]

[mail]
host = "localhost"
port = {smtp}
security = "starttls"
ca_file = "{ca}"
user = "{user}"
password_file = "{folder}/password"
hello = "schakel.gemeente.example"
from = "Chat <{sender}>"
timeout_seconds = 5
"""


class Server:
    """aiosmtpd, with what it heard. It can make a stranger wait, and hold one who gives a recipient for ever."""

    def __init__(self, port, certificate):
        self.port = port
        self.certificate = certificate
        self.greylists = self.holds = False
        self.held = threading.Event()
        self.messages = []
        self.logins = []
        self.recipients = 0

    @contextlib.contextmanager
    def running(self, tls=True):
        """Listens meanwhile. Without `tls` it offers none, and would take a password in the clear."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.certificate}.pem", f"{self.certificate}.key")
        controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=context if tls else None,
            require_starttls=tls,
            authenticator=self.authenticate,
            auth_required=True,
            auth_require_tls=tls,
        )
        controller.start()
        try:
            yield
        finally:
            controller.stop()

    def authenticate(self, _server, session, _envelope, _mechanism, login):
        """A login."""
        self.logins.append((session.ssl is not None, login.login.decode(), login.password.decode()))
        return AuthResult(success=self.logins[-1][1:] == (USER, PASSWORD))

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        """A recipient."""
        self.recipients += 1
        if self.holds:
            self.holds = False
            self.held.set()
            # For ever: the client is killed meanwhile.
            await asyncio.Event().wait()
        if self.greylists:
            self.greylists = False
            return "451 4.7.1 greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server, session, envelope):
        """A message, after which the recipient's mail server has it."""
        self.messages.append((session.ssl is not None, envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 taken"


class House:
    """The daemon of this check, which can be killed and started again, with the mail server beside it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.api, self.admin, smtp = product.free_ports(3)
        certificates(self.folder)
        self.server = Server(smtp, self.folder / "server")
        (self.folder / "password").write_text(f"{PASSWORD}\n")
        self.config = self.folder / "schakel.toml"
        self.trust("ca")
        token = product.run("token", "create", "--config", str(self.config), "--name", "mail", "--scope", product.SCOPE)
        self.daemon = product.Daemon(self.api, self.admin, token.split()[-1])

    def trust(self, name):
        """Writes the configuration, with this authority as the one that is believed."""
        ca = self.folder / f"{name}.pem"
        values = {"folder": self.folder, "api": self.api, "admin": self.admin, "smtp": self.server.port, "ca": ca}
        names = {"queue": QUEUE, "user": USER, "sender": SENDER, "recipient": RECIPIENT}
        self.config.write_text(CONFIG.format(**values, **names))

    @contextlib.contextmanager
    def running(self, name):
        """Starts the daemon, with its output in `name`.log."""
        arguments = [product.binary(), "serve", "--config", str(self.config)]
        with product.program(name, arguments, self.folder) as process:
            product.wait_until(name, product.START_SECONDS, lambda: product.is_open(self.api), process)
            yield process

    def leave(self, **message):
        """A visitor leaves a message; the status."""
        return self.daemon.ask("POST", f"/chat-queues/{QUEUE}/offline-messages", message)[0]

    def must_leave(self, **message):
        """The same, accepted."""
        if (status := self.leave(**message)) != 200:
            raise Failed(f"leaving a message: {status}")

    def mails(self):
        """Mails that no server has taken."""
        return self.daemon.must("GET", "/mails")["items"]

    def redrive(self):
        """Tries them at once."""
        for mail in self.mails():
            # 404: it was taken meanwhile.
            status, _ = self.daemon.ask("POST", f"/mails/{mail['id']}/redrive")
            if status not in (200, 404):
                raise Failed(f"redriving a mail: {status}")

    def until(self, what, probe):
        """Waits until `probe` says yes."""
        return product.wait_until(what, SOON_SECONDS, probe)

    def until_failed(self, attempts, words):
        """Waits until the one mail that waits has failed so often, with these words about it."""

        def failed():
            mails = self.mails()
            return mails and mails[0]["attempts"] >= attempts and mails[0]

        mail = self.until(f"a mail that failed {attempts} times", failed)
        if not any(word in mail["reason"].lower() for word in words):
            raise Failed(f"the reason has none of {words}: {mail}")

    def figure(self, name):
        """A figure of /metrics."""
        _, text = product.request(self.admin, "GET", "/metrics")
        found = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]
        if not found:
            raise Failed(f"there is no figure {name}")
        return float(found[0])


def certificates(folder):
    """An authority with a certificate for localhost, and another authority."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("ca", "other"):
        made = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2"]
        openssl("req", "-x509", *key, *made, "-subj", f"/CN=mail test {name}")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "server.ext").write_text("subjectAltName = DNS:localhost\n")
    by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "server.ext"]
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", *by)


def read(message, expected):
    """Reads a mail with Python's own library, and fails unless it is what was left and nothing else."""
    secured, sender, recipients, content = message
    if (secured, sender, recipients) != (True, SENDER, [RECIPIENT]):
        raise Failed(f"TLS, from and to are {secured}, {sender}, {recipients}")
    mail = email.message_from_bytes(content, policy=email.policy.default)
    wanted = [name for name in HEADERS if name != "Reply-To" or expected["reply"]]
    if sorted(mail.keys()) != wanted:
        raise Failed(f"the headers are {sorted(mail.keys())}")
    addresses = [(name, [each.addr_spec for each in mail[name].addresses]) for name in ("From", "To")]
    if addresses != [("From", [SENDER]), ("To", [RECIPIENT])]:
        raise Failed(f"the addresses are {addresses}")
    if expected["reply"]:
        replies = [each.addr_spec for each in mail["Reply-To"].addresses]
        if replies != [expected["email"]]:
            raise Failed(f"an answer goes to {replies} instead of {expected['email']}")
    if "Vragen & klachten" not in mail["Subject"] or mail["Date"].datetime is None:
        raise Failed(f"subject {mail['Subject']}, date {mail['Date']}")
    parts = [(part.get_content_type(), part.get_filename()) for part in mail.iter_parts()]
    if parts != [("text/plain", None), ("application/json", "offline-message.json")]:
        raise Failed(f"the parts are {parts}")
    attached = json.loads(list(mail.iter_parts())[1].get_content())
    for name in ("name", "email", "text"):
        if attached[name] != expected[name]:
            raise Failed(f"{name} in the attachment is {attached[name]!r} instead of {expected[name]!r}")
    if attached["queue"] != QUEUE or attached["id"] not in mail["Message-ID"]:
        raise Failed(f"queue or id of the attachment: {attached}")
    return mail["Message-ID"]


def words(message):
    """Name and text in the attachment of a message."""
    mail = email.message_from_bytes(message[3], policy=email.policy.default)
    attached = json.loads(list(mail.iter_parts())[-1].get_content())
    return attached["name"], attached["text"]


def survives_a_kill(house):
    """Killed while the server has the sender and not the message; made to wait by the next; taken once."""
    server = house.server
    server.holds = True
    with house.running("first") as process:
        left = {"name": "Zoë de Vries", "email": "zoe@example.nl", "text": "Kunt u mij bellen?\nDank u."}
        house.must_leave(**left)
        if not server.held.wait(SOON_SECONDS):
            raise Failed("no mail came to the server")
        process.send_signal(signal.SIGKILL)
        process.wait(product.STOP_SECONDS)
    if server.messages:
        raise Failed("the server has a message of a daemon that was killed before it gave one")
    server.greylists = True
    return {**left, "reply": True}


def refuses_controls(house):
    """What ends a line never comes as far as a mail."""
    bcc = f"\r\nBcc: {STRANGER}"
    fields = {"name": f"x{bcc}", "email": f"a@b.nl{bcc}", "telephone": f"0201234567{bcc}", "text": "a\r.\r"}
    for wrong in ({name: value} for name, value in fields.items()):
        if (status := house.leave(**{"name": "Zoë", "email": "a@b.nl", "text": "x", **wrong})) != 400:
            raise Failed(f"{wrong} is answered with {status}")


def hostile():
    """What a visitor may write who wants more than one recipient, header or part."""
    smtp = f"Hallo\n.\nMAIL FROM:<{STRANGER}>\nRCPT TO:<{STRANGER}>\nDATA\nBcc: {STRANGER}\n\n--schakel\n.\n"
    return [
        {"name": f'x" <{STRANGER}>, "y', "email": "zoe@example.nl", "text": smtp, "reply": True},
        {"name": f"Zoë\u2028Bcc: {STRANGER}", "email": f"zoe@example.nl,{STRANGER.split('@')[0]}", "text": "x"},
        {"name": f"=?utf-8?q?x=0D=0ABcc:_{STRANGER}?=", "email": "a>,<b@example.org", "text": "--schakel-1--\n"},
        {"name": "Zoë", "email": "zoe@example.nl", "text": "x" * 16_000, "reply": True},
    ]


def trusts_only_ours(house):
    """A server whose authority is not the configured one, or that has no TLS, hears nothing and is told as an alarm."""
    server = house.server
    house.trust("other")
    with house.running("third") as process:
        recipients, left = server.recipients, {"name": "Zoë", "email": "zoe@example.nl", "text": "Later"}
        taken = len(server.messages)
        server.logins.clear()
        with server.running():
            house.must_leave(**left)
            house.until_failed(1, ["certificate", "unknownissuer", "issuer"])
        with server.running(tls=False):
            house.redrive()
            house.until_failed(2, ["starttls", "tls"])
        if server.logins or server.recipients != recipients:
            raise Failed("a server that is not trusted heard a password or a recipient")
        if house.figure("schakel_mail_server_fails") != 1:
            raise Failed("the figures do not say that the server fails")
        ready = product.request(house.admin, "GET", "/readyz")
        if ready[0] != 200 or "mail: 1 waiting" not in ready[1]:
            raise Failed(f"readyz: {ready}")
        log = (house.folder / "third.log").read_text()
        if "the mail server cannot be reached" not in log:
            raise Failed("the log has no alarm about the mail server")
        house.trust("ca")
        with server.running():
            process.send_signal(signal.SIGHUP)
            house.until("reload", lambda: "read again" in (house.folder / "third.log").read_text())
            house.redrive()
            house.until("the mail of who is trusted again", lambda: len(server.messages) > taken)
            house.until("no mail left", lambda: not house.mails())
            house.until("figures", lambda: house.figure("schakel_mail_server_fails") == 0)
    return {**left, "reply": True}


def check():
    """The stories, on one journal."""
    with tempfile.TemporaryDirectory(prefix="schakel-mail-") as folder:
        house = House(folder)
        server = house.server
        with server.running():
            expected = [survives_a_kill(house)]
            with house.running("second"):
                house.until_failed(1, ["451"])
                house.redrive()
                house.until("the mail after greylisting", lambda: server.messages)
                refuses_controls(house)
                for message in hostile():
                    house.must_leave(**{name: value for name, value in message.items() if name != "reply"})
                    expected.append({"reply": False, **message})
                house.until("all mails", lambda: len(server.messages) >= len(expected) and not house.mails())
        logins = set(server.logins)
        if logins != {(True, USER, PASSWORD)}:
            raise Failed(f"logins: {logins}")
        expected.append(trusts_only_ours(house))
        for name in ("first", "second", "third"):
            log = (house.folder / f"{name}.log").read_text()
            for secret in (PASSWORD, "zoe@example.nl", "Kunt u mij bellen"):
                if secret in log:
                    raise Failed(f"{name}.log has {secret}")
        # The order of mails that are due together is not promised: each is found by its words.
        ids = set()
        for one in expected:
            found = [each for each in server.messages if words(each) == (one["name"], one["text"])]
            if len(found) != 1:
                raise Failed(f"{one['name']!r} came {len(found)} times")
            ids.add(read(found[0], one))
        if not len(ids) == len(expected) == len(server.messages):
            raise Failed(f"{len(server.messages)} messages with {len(ids)} ids for {len(expected)}")
    return (
        f"{len(expected)} messages of visitors mailed once each, through kill -9, greylisting and a mended authority; "
        "no header, recipient or part of a visitor's making; no word to a server that is not trusted or has no TLS"
    )


# What the server thinks of clients that hang up, and of having no TLS, is what this check is about.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module="aiosmtpd")
product.main(check)
