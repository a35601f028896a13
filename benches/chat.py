#!/usr/bin/env python3
"""Figures of chats over a real XMPP server; `benches/run --only chat` builds, installs and calls this.

Arguments: prosody and ejabberd, or one of them; --quick for a short run.

Environment:
  SCHAKEL_BIN   the binary to measure
  BENCH_BIN     schakel-bench

The server and its configuration are those of tests/xmpp. Its archive is in memory, schakel's journal is on the disk of
the work tree.
"""

import asyncio
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from xml.sax.saxutils import quoteattr

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "xmpp"))

import house as houses  # noqa: E402 (found by the line above)
import machine  # noqa: E402
import product  # noqa: E402
import servers  # noqa: E402
from machine import Failed  # noqa: E402

# Who writes from any address of this domain: thousands of visitors over one connection.
CROWD = "crowd.chat.test"

# Visitors with a client each. schakel takes ten messages a second of one visitor: together they must be able to say more
# than any server carries.
VISITORS = 300

OPEN_CHATS = 5_000
RECOVERED_CHATS = 1_000
PATIENCE = 300

PROSODY_CROWD = f'\nComponent "{CROWD}"\n  component_secret = "{{secret}}"\n  modules_enabled = {{{{ }}}}\n'
EJABBERD_HOST = '      "{cti}":\n        password: "{secret}"\n'
EJABBERD_CROWD = EJABBERD_HOST + f'      "{CROWD}":\n        password: "{{secret}}"\n'


class Prosody(servers.Prosody):
    """With the crowd, and with accounts that are copies of one: what is kept of a password does not tell the name."""

    template = servers.PROSODY + PROSODY_CROWD

    def __init__(self, folder, accounts):
        super().__init__(folder, accounts[:1])
        (first,) = (self.folder / "data").glob("*/accounts/*.dat")
        for account in accounts[1:]:
            (first.parent / f"{account}.dat").write_bytes(first.read_bytes())


class Ejabberd(servers.Ejabberd):
    """With the crowd."""

    template = servers.EJABBERD.replace(EJABBERD_HOST, EJABBERD_CROWD)


KINDS = {"prosody": Prosody, "ejabberd": Ejabberd}


class Crowd:
    """A component (XEP-0114) that only writes; what it hears it counts by bytes."""

    def __init__(self, server):
        self.port = server.component_port
        self.heard = 0

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(
            f"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='{CROWD}'>".encode()
        )
        header = (await self.reader.readuntil(b"<stream:stream") + await self.reader.readuntil(b">")).decode()
        stream = re.search(r"\bid=['\"]([^'\"]+)", header).group(1)
        digest = hashlib.sha1((stream + servers.SECRET).encode()).hexdigest()
        self.writer.write(f"<handshake>{digest}</handshake>".encode())
        answer = await self.reader.readuntil(b">")
        if b"handshake" not in answer:
            raise Failed(f"the crowd is not let in: {answer}")
        self.task = asyncio.ensure_future(self.listen())
        return self

    async def listen(self):
        """What comes is read, so that the server never waits."""
        while chunk := await self.reader.read(1 << 16):
            self.heard += len(chunk)

    async def say(self, count, text):
        """Each of so many visitors says something to schakel's account."""
        for number in range(count):
            self.writer.write(
                f"<message from='visitor{number}@{CROWD}/web' to={quoteattr(houses.SUPPORT)} type='chat' "
                f"id='{text}-{number}'><body>{text} {number} and some more words</body></message>".encode()
            )
            await self.writer.drain()

    async def __aexit__(self, *_):
        self.task.cancel()
        self.writer.close()


class Sink:
    """Takes webhooks in and looks for a text in them, as fast as it can."""

    def __init__(self, pattern):
        self.pattern = re.compile(pattern)
        self.seen = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def serve(self, reader, writer):
        """One connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE).group(1))
                self.seen.update(self.pattern.findall(await reader.readexactly(length)))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def __aexit__(self, *_):
        self.server.close()


def row(name, value, unit):
    """One figure, as the other benchmarks print theirs."""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    print(f"{name:<62} {value:>14.{digits}f}  {unit}", flush=True)


def daemon_of(server, folder):
    """schakel, straight at the server's ports (the checks put a line that breaks between)."""
    (folder / "password").write_text(servers.PASSWORD)
    (folder / "secret").write_text(servers.SECRET)
    for private in ("password", "secret"):
        os.chmod(folder / private, 0o600)
    api_port, admin_port = machine.unused_ports(2)
    queue = houses.QUEUE_SETTINGS.format(offer=houses.OFFER_SECONDS, grace=3600) + "offers = false\n"
    config = folder / "schakel.toml"
    text = houses.CONFIG.format(
        folder=folder, api=api_port, admin=admin_port, xmpp=houses.XMPP_SETTINGS, queue=queue,
        chat="messages_a_minute_max = 1000000\nmessages_max = 1000000", account_port=server.client_port,
        component_port=server.component_port, ca=server.ca_file, domain=servers.DOMAIN,
        component=servers.COMPONENT, rooms=servers.ROOMS, support=houses.SUPPORT,
        agent_jid=f"colleague@{servers.DOMAIN}",
    )  # fmt: skip
    config.write_text(text.replace('level = "info"', 'level = "warn"'))
    return houses.Daemon(folder, config, api_port)


async def until(what, probe, seconds=PATIENCE):
    """Waits for it, and gives how long that took."""
    begin = time.monotonic()
    while not await probe():
        if time.monotonic() - begin > seconds:
            raise Failed(f"{what}: not within {seconds} s")
        await asyncio.sleep(0.01)
    return time.monotonic() - begin


async def up(daemon):
    """Waits until its links are up."""

    async def both():
        status, answer = await daemon.rest.ask("GET", "/providers")
        return status == 200 and [one["link"] for one in answer["items"]] == ["up", "up"]

    return await until("the links are up", both)


def memory(daemon):
    """Bytes that no file backs: heap and stacks."""
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) * 1024


async def talk(server, daemon, folder, quick):
    """Rates and latencies, by schakel-bench."""
    command = [
        os.environ["BENCH_BIN"], "chat", "--server", f"127.0.0.1:{server.client_port}", "--domain", servers.DOMAIN,
        "--ca-file", server.ca_file, "--password-file", folder / "password", "--to", houses.SUPPORT, "--plain", "bert",
        "--visitors", VISITORS, "--api", f"127.0.0.1:{daemon.api_port}", f"--token={daemon.rest.daemon.token}",
        "--daemon", daemon.process.pid, "--server-process", server.process.pid, *(["--quick"] if quick else []),
    ]  # fmt: skip
    program = await asyncio.create_subprocess_exec(*map(str, command), preexec_fn=machine.die_with_parent)
    if await program.wait():
        raise Failed(f"schakel-bench chat ended with {program.returncode}\n{machine.tail(daemon.log)}")


async def crowded(server, daemon, count, text):
    """So many chats are opened by as many visitors, and wait."""
    await daemon.rest.must("PUT", "/agents/agent-1/chat", {"queues": [houses.QUEUE], "nickname": "Jan", "chatsMax": 1})
    async with Sink(rb'"text":"(' + text.encode() + rb" \d+) and") as sink, Crowd(server) as crowd:
        url = {"url": f"http://127.0.0.1:{sink.port}/hook", "kinds": ["chat.message"], "batch": True}
        made = await daemon.rest.must("POST", "/webhooks", url)
        await crowd.say(count, text)

        async def all_heard():
            return len(sink.seen) == count

        try:
            took = await until("every visitor is heard", all_heard)
        except Failed as failure:
            raise Failed(f"{failure}: {len(sink.seen)}\n{machine.tail(daemon.log)}") from None
        await daemon.rest.must("DELETE", f"/webhooks/{made['id']}")
    return took


async def hold(server, daemon):
    """Memory of open chats."""
    await asyncio.sleep(2)
    before = memory(daemon)
    took = await crowded(server, daemon, OPEN_CHATS, "question")
    await asyncio.sleep(2)
    row(f"{OPEN_CHATS} open chats: opened and told at", OPEN_CHATS / took, "chats/s")
    row("memory before: heap and other private memory", before / 1e6, "MB")
    row(f"{OPEN_CHATS} open chats: heap and other private memory", memory(daemon) / 1e6, "MB")
    row(f"{OPEN_CHATS} open chats: each", (memory(daemon) - before) / OPEN_CHATS / 1e3, "KB")


async def recover(server, daemon):
    """Killed with a thousand chats; each visitor says something meanwhile."""
    await crowded(server, daemon, RECOVERED_CHATS, "question")
    async with Sink(rb'"text":"(meanwhile \d+) and') as sink, Crowd(server) as crowd:
        url = {"url": f"http://127.0.0.1:{sink.port}/hook", "kinds": ["chat.message"], "batch": True}
        await daemon.rest.must("POST", "/webhooks", url)
        daemon.kill()
        await crowd.say(RECOVERED_CHATS, "meanwhile")
        # The server has all of it in its archive when it has nothing more to do.
        busy = machine_time(server)
        while True:
            await asyncio.sleep(1)
            if machine_time(server) - busy < 0.05:
                break
            busy = machine_time(server)
        begin = time.monotonic()
        await daemon.start()
        row(f"killed with {RECOVERED_CHATS} chats: the API answers after", time.monotonic() - begin, "s")
        await up(daemon)
        row("both links are up after", time.monotonic() - begin, "s")

        async def all_heard():
            return len(sink.seen) == RECOVERED_CHATS

        try:
            await until("what was said meanwhile", all_heard)
        except Failed as failure:
            raise Failed(f"{failure}: {len(sink.seen)}\n{machine.tail(daemon.log)}") from None
        row(f"what {RECOVERED_CHATS} visitors said meanwhile is at the webhook after", time.monotonic() - begin, "s")
        await daemon.rest.must("DELETE", "/agents/agent-1/chat")


def machine_time(server):
    """Seconds of CPU that the server's process has used."""
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(kind, quick):
    """Everything on one kind of server: each part with a server, a daemon and a journal of its own."""
    data = ROOT / "target" / "bench-data"
    data.mkdir(parents=True, exist_ok=True)
    accounts = [houses.ACCOUNT, "bert", "colleague", *[f"user{number}" for number in range(1, VISITORS + 1)]]
    for part in (talk, hold, recover):
        with machine.folder(kind) as memory_folder, tempfile.TemporaryDirectory(dir=data) as folder:
            folder = pathlib.Path(folder)
            server = KINDS[kind](memory_folder, accounts if part is talk else accounts[:3])
            server.start()
            try:
                if part is talk:
                    print(f"\n== chats over {server.version()}", flush=True)
                daemon = daemon_of(server, folder)
                await daemon.start()
                try:
                    await up(daemon)
                    await (part(server, daemon, folder, quick) if part is talk else part(server, daemon))
                finally:
                    await asyncio.to_thread(daemon.stop)
            finally:
                server.stop()


def main():
    """Measures what is wanted."""
    wanted = [one for one in sys.argv[1:] if one in KINDS] or list(KINDS)
    servers.clean_environment()
    for kind in wanted:
        try:
            asyncio.run(measure(kind, "--quick" in sys.argv))
        except (Failed, OSError, subprocess.SubprocessError) as failure:
            raise SystemExit(f"{kind}: {failure}") from None


main()
