"""A real XMPP server, a real daemon in front of it, and a stand-in for JKC.

Everything that these checks assume about the daemon's configuration and its chat API is in this file.
"""

import asyncio
import contextlib
import json
import os
import signal
import uuid

import machine
import product
import servers
from jkc import Rest, jkc
from machine import Failed
from proxy import proxy
from visitor import SOON, eventually

# The account that visitors write to, and the queue of what is written to it.
ACCOUNT = "support"
SUPPORT = f"{ACCOUNT}@{servers.DOMAIN}"
# A queue of the component: `permits@cti.chat.test`.
PERMITS = f"permits@{servers.COMPONENT}"


QUEUE = "questions"
QUEUE_OF_COMPONENT = "permits"

# How long a chat is offered to an agent before the next one gets it; short, because checks wait for it.
OFFER_SECONDS = 5

# Of both queues. Chats end by what the stories do, not by the clock.
QUEUE_SETTINGS = """offer_limit_seconds = {offer}
chats_max = 20
cool_down_seconds = 2
ignored_max = 0
wait_limit_seconds = 3600
inactivity_seconds = 0
visitor_grace_seconds = {grace}
typing_preview = true
"""

# Of both providers.
XMPP_SETTINGS = """upload = true
ping_seconds = 5
"""

CONFIG = """
[organisation]
id = "voorbeeld"

[journal]
path = "{folder}/schakel.db"

[register]
path = "{folder}/register.db"

[api]
listen = "127.0.0.1:{api}"
requests_per_second_max = 100000

[admin]
listen = "127.0.0.1:{admin}"

[webhooks]
allowed_hosts = ["127.0.0.1"]
allow_insecure = true

[log]
level = "info"

[chat]
language = "nl"
lease_seconds = 3600
{chat}

[[chat.queues]]
name = "questions"
{queue}

[[chat.queues]]
name = "permits"
{queue}

[[providers]]
name = "account"
adapter = "xmpp"
address = "127.0.0.1:{account_port}"
tls_ca_file = "{ca}"

[providers.xmpp]
mode = "client"
jid = "{support}"
password_file = "{folder}/password"
queues = [{{ address = "{support}", queue = "questions" }}]
{xmpp}

[[providers]]
name = "component"
adapter = "xmpp"
address = "127.0.0.1:{component_port}"
tls_ca_file = "{ca}"

[providers.xmpp]
mode = "component"
domain = "{component}"
security = "none"
secret_file = "{folder}/secret"
muc_service = "{rooms}"
queues = [{{ address = "permits", queue = "permits" }}, {{ address = "{rooms}", queue = "permits" }}]
agents = [{{ agent = "agent-3", jid = "{agent_jid}" }}]
{xmpp}
"""


class Daemon:
    """`schakel serve`, which can be killed and started again on the same journal."""

    def __init__(self, folder, config, api_port, program=None):
        self.folder = folder
        self.config = config
        self.api_port = api_port
        self.log = folder / "daemon.log"
        # What to start, if not the binary: gives arguments and environment for a configuration.
        self.program = program
        self.process = None
        self.starts = 0
        token = product.run("token", "create", "--config", str(config), "--name", "jkc", "--scope", product.SCOPE)
        self.rest = Rest(api_port, token.split()[-1])

    async def start(self):
        """Starts it and waits for its API."""
        arguments, environment = [product.binary(), "serve", "--config", self.config], {}
        if self.program:
            arguments, environment = self.program(self.config)
        environment = {**product.ENVIRONMENT, "RUST_BACKTRACE": "1", **environment}
        self.process = machine.spawn(arguments, self.log, environment)
        self.starts += 1

        async def listens():
            if self.process.poll() is not None:
                raise Failed(f"the daemon ended with {self.process.returncode}\n{machine.tail(self.log)}")
            return product.is_open(self.api_port)

        await eventually("the daemon's API", product.START_SECONDS, listens)

    def kill(self):
        """SIGKILL, in the middle of whatever it does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """As systemd stops it."""
        machine.stop(self.process, product.STOP_SECONDS, signal.SIGTERM)


class House:
    """All of it. Agents are names: what they do is done over REST, as JKC does it."""

    def __init__(self, server, daemon, jkc_, account_proxy, component_proxy):
        self.server = server
        self.daemon = daemon
        self.jkc = jkc_
        self.account_proxy = account_proxy
        self.component_proxy = component_proxy
        self.rest = daemon.rest
        # Chats of earlier stories.
        self.past = set()

    async def begin(self):
        """Before each story."""
        self.past = {chat["id"] for chat in await self.chats()}

    async def up(self, seconds=SOON):
        """Waits until both providers' links are up."""

        async def both():
            status, answer = await self.rest.ask("GET", "/providers")
            return status == 200 and [one["link"] for one in answer["items"]] == ["up", "up"]

        try:
            await eventually("both links are up", seconds, both)
        except Failed as failure:
            raise Failed(f"{failure}; {await self.rest.ask('GET', '/providers')}") from None

    # ---- agents ----

    async def agent(self, name, nickname=None, queues=(QUEUE, QUEUE_OF_COMPONENT), chats_max=None):
        """Puts an agent into the channel."""
        body = {"queues": list(queues), "nickname": nickname or name}
        if chats_max is not None:
            body["chatsMax"] = chats_max
        await self.rest.must("PUT", f"/agents/{name}/chat", body)
        return name

    async def gone(self, name):
        """Takes an agent out of the channel."""
        await self.rest.must("DELETE", f"/agents/{name}/chat")

    async def offered(self, to, chat=None, seconds=SOON):
        """Waits until a chat (this one) is offered to an agent, or he is invited into it: chat and offer."""

        async def is_offered():
            for one in await self.chats():
                for offer in (one.get("offer"), one.get("invitation")):
                    if chat in (None, one["id"]) and offer and offer["agent"] == to and offer["state"] == "pending":
                        return one["id"], offer["id"]
            return None

        try:
            return await eventually(f"{to} is offered a chat", seconds, is_offered)
        except Failed as failure:
            raise Failed(f"{failure}: {text_of(await self.chats())[:3000]}") from None

    async def accept(self, chat, offer, agent):
        """Accepts, and waits until the agent has joined."""
        await self.rest.must("POST", f"/chats/{chat}/offers/{offer}/accept", {"agent": agent})

        async def has_joined():
            there = [one["agent"] for one in (await self.chat(chat))["participants"] if "leftAt" not in one]
            return agent in there and (await self.chat(chat))["state"] == "active"

        try:
            await eventually(f"{agent} joins chat {chat}", SOON, has_joined)
        except Failed as failure:
            raise Failed(f"{failure}: {text_of(await self.chat(chat))}") from None

    async def serve(self, agent, chat=None):
        """Takes the next offer of a chat (this one); gives the chat."""
        chat, offer = await self.offered(agent, chat)
        await self.accept(chat, offer, agent)
        return chat

    async def say(self, chat, agent, text=None, audience="public", id=None, **more):
        """An agent's message; gives its id."""
        id = id or str(uuid.uuid4())
        body = {"agent": agent, "audience": audience, **({"text": text} if text is not None else {}), **more}
        await self.rest.must("PUT", f"/chats/{chat}/messages/{id}", body)
        return id

    async def do(self, chat, what, **body):
        """Another command for a chat: end, leave, invite, withdraw, join, observe, typing, archive, remove."""
        return await self.rest.must("POST", f"/chats/{chat}/{what}", body or None)

    # ---- what there is ----

    async def chat(self, id):
        """A chat."""
        return await self.rest.must("GET", f"/chats/{id}")

    async def chats(self, query=""):
        """All chats."""
        return await self.rest.pages(f"/chats{query}")

    async def messages(self, chat):
        """The agents' view of what was said, whole."""
        rows, after = [], 0
        while True:
            page = await self.rest.must("GET", f"/chats/{chat}/messages?after={after}")
            items = page["items"]
            if not items:
                return rows
            rows += items
            after = items[-1]["order"]

    async def delivered(self, chat, message, *states):
        """Waits until a message's delivery is one of these."""

        async def is_so():
            found = [one for one in await self.messages(chat) if one["id"] == message]
            return found and found[0].get("delivery", {}).get("state") in states

        await eventually(f"message {message} is {' or '.join(states)}", SOON, is_so)

    async def transcript(self, chat, audience):
        """A transcript, as JKC stores it."""
        return await self.rest.must("GET", f"/chats/{chat}/transcript?audience={audience}")

    async def said_by_visitors(self):
        """What every visitor said in all chats, by the address that he wrote from (bare): texts, oldest chat first."""
        said = {}
        chats = sorted(await self.chats(), key=lambda chat: (chat["openedAt"], chat["id"]))
        for chat in chats:
            rows = await self.messages(chat["id"])
            for row in rows:
                if row["author"]["kind"] == "visitor":
                    said.setdefault(name_of(row["text"]), []).append(row["text"])
        return said

    async def chat_of(self, visitor, seconds=SOON):
        """Waits for the newest chat of a visitor, and gives its id."""

        async def his():
            there = [one for one in await self.chats() if one["id"] not in self.past]
            found = [one for one in there if (one["visitor"].get("address") or "").startswith(visitor)]
            return found and max(found, key=lambda one: one["openedAt"])["id"]

        try:
            return await eventually(f"a chat of {visitor}", seconds, his)
        except Failed as failure:
            raise Failed(f"{failure}: {text_of(await self.chats())[:3000]}") from None

    async def becomes(self, chat, *states, seconds=SOON):
        """Waits until a chat is in one of these states, and gives it."""

        async def is_so():
            found = await self.chat(chat)
            return found["state"] in states and found

        try:
            return await eventually(f"chat {chat} becomes {' or '.join(states)}", seconds, is_so)
        except Failed as failure:
            raise Failed(f"{failure}: {text_of(await self.chat(chat))}") from None

    async def read(self, chat, text, **fits):
        """Waits for a message with this text in the agents' view, and gives it."""

        async def there():
            for row in await self.messages(chat):
                if text in row["text"] and all(row.get(name) == value for name, value in fits.items()):
                    return row
            return None

        try:
            return await eventually(f"{text!r} is in chat {chat}", SOON, there)
        except Failed as failure:
            raise Failed(f"{failure}: {text_of(await self.messages(chat))[-3000:]}") from None

    @contextlib.asynccontextmanager
    async def typing(self, chat):
        """What the visitor types, as it comes: a list that grows."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.daemon.api_port)
        writer.write(
            f"GET /v1/chats/{chat}/typing HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            f"Authorization: Bearer {self.rest.daemon.token}\r\n\r\n".encode()
        )
        seen = []

        async def follow():
            while line := await reader.readline():
                if line.startswith(b"data:"):
                    seen.append(json.loads(line[5:]))

        status = (await reader.readline()).split()
        if status[1:2] != [b"200"]:
            raise Failed(f"GET /v1/chats/{chat}/typing: {status}")
        task = asyncio.ensure_future(follow())
        try:
            yield seen
        finally:
            task.cancel()
            writer.close()

def name_of(text):
    """Who says a numbered message: its first word."""
    return text.split(" ", 1)[0]


@contextlib.asynccontextmanager
async def house(server, folder, chat="", offer=OFFER_SECONDS, grace=10, program=None, kinds=()):
    """Everything, up. `chat` is more of [chat]; `kinds` is what JKC subscribes to (everything; None: nothing)."""
    folder = folder / f"house-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    (folder / "password").write_text(servers.PASSWORD)
    (folder / "secret").write_text(servers.SECRET)
    for private in ("password", "secret"):
        os.chmod(folder / private, 0o600)
    api_port, admin_port = machine.unused_ports(2)
    async with proxy(server.client_port) as to_account, proxy(server.component_port) as to_component, jkc() as listener:
        config = folder / "schakel.toml"
        config.write_text(
            CONFIG.format(
                folder=folder, api=api_port, admin=admin_port, chat=chat, xmpp=XMPP_SETTINGS,
                queue=QUEUE_SETTINGS.format(offer=offer, grace=grace), account_port=to_account.port, component_port=to_component.port, ca=server.ca_file,
                domain=servers.DOMAIN, component=servers.COMPONENT, rooms=servers.ROOMS, support=SUPPORT,
                agent_jid=f"colleague@{servers.DOMAIN}",
            )  # fmt: skip
        )
        daemon = Daemon(folder, config, api_port, program)
        try:
            await daemon.start()
            made = House(server, daemon, listener, to_account, to_component)
            await made.up()
            if kinds is not None:
                await listener.subscribe(made.rest, kinds)
            yield made
        except BaseException:
            print("---- last lines of the daemon ----", machine.tail(daemon.log), "----", sep="\n", flush=True)
            raise
        finally:
            if daemon.process is not None:
                await asyncio.to_thread(daemon.stop)


def text_of(document):
    """A JSON document as text, to search for words that must not be in it."""
    return json.dumps(document, ensure_ascii=False)
