"""A visitor: slixmpp, a client that is not ours, with what a check needs of it.

It keeps every byte that the server sent it (after TLS), every stanza, and which of its messages its server has
acknowledged (XEP-0198).
"""

import asyncio
import contextlib
import logging
import pathlib
import uuid

import pace
import servers
from machine import Failed
from slixmpp import JID, ClientXMPP, ComponentXMPP
from slixmpp.exceptions import IqError, IqTimeout, PresenceError, XMPPError
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

# What slixmpp says when a server refuses something.
ERRORS = (IqError, IqTimeout, PresenceError, XMPPError)

# A stanza that a check waits for comes within some ms; on a busy machine and with a debug build it may take long.
SOON = 20

# How often the server is asked what it has taken.
ASK_SECONDS = 0.1

PLUGINS = [
    "xep_0004", "xep_0030", "xep_0045", "xep_0059", "xep_0066", "xep_0085", "xep_0172", "xep_0184", "xep_0198",
    "xep_0199", "xep_0203", "xep_0249", "xep_0280", "xep_0308", "xep_0313", "xep_0333", "xep_0334", "xep_0359",
    "xep_0410", "xep_0421",
]  # fmt: skip

RTT = "urn:xmpp:rtt:0"
CHAT_STATES = "http://jabber.org/protocol/chatstates"
MARKERS = "urn:xmpp:chat-markers:0"
RECEIPTS = "urn:xmpp:receipts"
DELAY = "urn:xmpp:delay"
STANZA_ID = "urn:xmpp:sid:0"
UPLOAD = "urn:xmpp:http:upload:0"


class Inbox:
    """Stanzas in the order in which they came, that can be waited for."""

    def __init__(self, name):
        self.name = name
        self.stanzas = []
        self.news = asyncio.Event()

    def put(self, stanza):
        """One that came."""
        self.stanzas.append(stanza)
        self.news.set()

    async def expect(self, what, fits, seconds=SOON, after=0):
        """The first stanza (after so many) that fits; fails when none comes in time."""
        async with timeout(f"{self.name}: {what}", seconds, self.last):
            seen = after
            while True:
                self.news.clear()
                while seen < len(self.stanzas):
                    stanza = self.stanzas[seen]
                    seen += 1
                    if fits(stanza):
                        return stanza
                await self.news.wait()

    def last(self):
        """The last ones, for who reads why a check failed."""
        return "\n".join(str(stanza)[:600] for stanza in self.stanzas[-6:])


@contextlib.asynccontextmanager
async def timeout(what, seconds, more=lambda: ""):
    """Fails with these words when the block takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Failed(f"{what}: not within {seconds} s\n{more()}") from None


async def eventually(what, seconds, probe):
    """Asks an (async) probe until it says yes, and gives that."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        answer = await probe()
        if answer:
            return answer
        if asyncio.get_running_loop().time() > end:
            raise Failed(f"{what}: not within {seconds} s")
        await pace.look_again()


class Recording:
    """What a client and a component have in common."""

    def prepare(self, name):
        """Before it connects."""
        self.inbox = Inbox(name)
        self.raw = bytearray()
        self.ready = asyncio.Event()
        # Its own events are of messages with a body only: receipts and typing have none.
        every = MatchXPath(f"{{{self.default_ns}}}message")
        self.register_handler(Callback("every message", every, self.inbox.put))
        self.add_event_handler("presence_available", self.inbox.put)
        self.add_event_handler("presence_unavailable", self.inbox.put)
        self.add_event_handler("presence_error", self.inbox.put)

    def data_received(self, data):
        """Every byte, as the server sent it."""
        self.raw += data
        super().data_received(data)


class Visitor(Recording, ClientXMPP):
    """One account's client. It comes back by itself when its connection is lost, as long as `stays`."""

    def __init__(self, server, account, resource="web", port=None, real_time_text=False):
        super().__init__(JID(f"{account}@{servers.DOMAIN}/{resource}"), servers.PASSWORD, lang="nl")
        self.account = account
        self.port = port or server.client_port
        self.ca_certs = pathlib.Path(server.ca_file)
        self.enable_direct_tls = False
        self.enable_plaintext = False
        self.use_origin_id = True
        self.stays = True
        # Messages by id, in the order in which they were sent; and those that the server has acknowledged.
        self.sent = {}
        self.acknowledged = set()
        # XEP-0198 gave up: what it had not acknowledged by then it never will.
        self.sessions = 0
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        # The server's word is asked for here, often: slixmpp asks before it sends the stanza that it asks about.
        self.plugin["xep_0198"].window = self.plugin["xep_0198"].window_counter = 1 << 30
        self.asker = asyncio.get_running_loop().create_task(self.ask())
        if real_time_text:
            self.plugin["xep_0030"].add_feature(RTT)
        self.prepare(account)
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("session_resumed", lambda _: self.ready.set())
        self.add_event_handler("stanza_acked", self.acked)
        self.add_event_handler("disconnected", self.lost)

    async def begin(self, _):
        """A new session: presence, as any client sends it."""
        self.sessions += 1
        self.send_presence()
        self.ready.set()

    async def ask(self):
        """Asks the server what it has taken, for as long as there is something that it has not said so of."""
        management = self.plugin["xep_0198"]
        while True:
            await pace.pause(ASK_SECONDS)
            if self.is_connected() and management.enabled_in and management.unacked_queue:
                management.request_ack()

    def acked(self, stanza):
        """The server has taken one of ours."""
        if stanza["id"] in self.sent:
            self.acknowledged.add(stanza["id"])

    def lost(self, _):
        """The connection is gone."""
        self.ready.clear()
        if self.stays:
            self.loop.call_later(0.2, self.again)

    def again(self):
        """Connects anew, and resumes if the server still knows us."""
        if self.stays and not self.is_connected():
            self.connect("127.0.0.1", self.port)

    async def arrive(self):
        """Logs in."""
        self.connect("127.0.0.1", self.port)
        async with timeout(f"{self.account} logs in", SOON):
            await self.ready.wait()
        return self

    async def leave(self):
        """Logs out, as a person who closes his program."""
        self.stays = False
        self.asker.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.disconnect(wait=1), 3)

    def vanish(self):
        """The connection breaks and he never comes back."""
        self.stays = False
        self.asker.cancel()
        self.abort()

    def message(self, to, body=None, kind="chat", id=None):
        """A message that is not sent yet. Its id is its own, also as origin-id."""
        message = self.make_message(mto=JID(to), mtype=kind, mbody=body)
        message["id"] = id or str(uuid.uuid4())
        message["origin_id"]["id"] = message["id"]
        return message

    def say(self, to, body, kind="chat", id=None, **more):
        """Says something, and gives its id. `request` asks for a receipt, `markable` for a marker."""
        message = self.message(to, body, kind, id)
        if more.get("request"):
            message["request_receipt"] = True
        if more.get("markable"):
            message.xml.append(ET.Element(f"{{{MARKERS}}}markable"))
        if more.get("replaces"):
            message["replace"]["id"] = more["replaces"]
        self.sent[message["id"]] = body
        message.send()
        return message["id"]

    def state(self, to, state):
        """A chat state (XEP-0085)."""
        message = self.make_message(mto=JID(to), mtype="chat")
        message["chat_state"] = state
        message.send()

    def types(self, to, text, event=None, seq=0):
        """Real-time text (XEP-0301): this text is appended to what he is typing."""
        message = self.make_message(mto=JID(to), mtype="chat")
        rtt = ET.SubElement(message.xml, f"{{{RTT}}}rtt", {"seq": str(seq), **({"event": event} if event else {})})
        ET.SubElement(rtt, f"{{{RTT}}}t").text = text
        message.send()

    async def hears(self, text, seconds=SOON, after=0, kind=None):
        """A message with this text in its body."""
        return await self.inbox.expect(
            f"a message with {text!r}",
            lambda stanza: stanza.name == "message"
            and stanza["type"] != "error"
            and (kind is None or stanza["type"] == kind)
            and text in (stanza["body"] or ""),
            seconds,
            after,
        )

    async def element(self, what, namespace, name, seconds=SOON, after=0):
        """A message with this element directly in it; gives the element."""
        path = f"{{{namespace}}}{name}"
        stanza = await self.inbox.expect(
            what, lambda one: one.name == "message" and one.xml.find(path) is not None, seconds, after
        )
        return stanza, stanza.xml.find(path)

    async def enter(self, room, nick):
        """Goes into a room, which is made when it is not there; then waits for nobody to open it."""
        async with timeout(f"{self.account} enters {room}", SOON, self.inbox.last):
            await self.plugin["xep_0045"].join_muc_wait(JID(room), nick, timeout=SOON, maxstanzas=0)
        return room

    async def open_room(self, room, nick, **options):
        """Makes a room, with these options (muc#roomconfig_… without that)."""
        await self.enter(room, nick)
        muc = self.plugin["xep_0045"]
        form = await muc.get_room_config(JID(room), timeout=SOON)
        known = form.get_fields()
        answer = self.plugin["xep_0004"].make_form("submit")
        answer.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/muc#roomconfig")
        for name, value in options.items():
            for key in (f"muc#roomconfig_{name}", name):
                if key in known:
                    answer.add_field(var=key, value=value)
        await muc.set_room_config(JID(room), answer, timeout=SOON)
        return room

    async def slot(self, name, words, kind):
        """A slot of the file store (XEP-0363): where to put this, the headers for it, and where it can be fetched."""
        iq = self.make_iq_get(ito=servers.UPLOAD)
        request = {"filename": name, "size": str(len(words)), "content-type": kind}
        iq.append(ET.Element(f"{{{UPLOAD}}}request", request))
        slot = (await iq.send(timeout=SOON)).xml.find(f"{{{UPLOAD}}}slot")
        put = slot.find(f"{{{UPLOAD}}}put")
        headers = {one.get("name"): one.text for one in put.findall(f"{{{UPLOAD}}}header")}
        return put.get("url"), headers, slot.find(f"{{{UPLOAD}}}get").get("url")

    async def archive(self, of=None, size=200):
        """Everything in an archive (his own, or a room's): (archive id, message), oldest first."""
        rows, after = [], None
        while True:
            rsm = {"max": size, **({"after": after} if after else {})}
            # Pages that the server chooses the size of: the result says where it ended.
            answer = self.plugin["xep_0313"].retrieve(jid=JID(of) if of else None, rsm=rsm, iterator=False)
            async with timeout("the archive", 60):
                page = await answer
            results = page["mam"]["results"] or []
            for result in results:
                rows.append((result["mam_result"]["id"], result["mam_result"]["forwarded"]["stanza"]))
            after = page["mam_fin"]["rsm"]["last"] if results else None
            if not after or page["mam_fin"].xml.get("complete") == "true":
                return rows


class Component(Recording, ComponentXMPP):
    """A stranger's component, to see that a server is set up as it should be."""

    def __init__(self, server):
        super().__init__(servers.COMPONENT, servers.SECRET, "127.0.0.1", server.component_port)
        self.prepare("component")
        self.add_event_handler("session_start", lambda _: self.ready.set())
        self.register_plugin("xep_0030")

    async def arrive(self):
        """Connects."""
        self.connect()
        async with timeout("a component connects", SOON):
            await self.ready.wait()
        return self


def quiet():
    """slixmpp logs what the checks judge themselves."""
    logging.basicConfig(level=logging.CRITICAL)
    logging.getLogger("slixmpp").setLevel(logging.CRITICAL)


@contextlib.asynccontextmanager
async def visitors(server, *accounts, **options):
    """These accounts' clients, logged in; they vanish at the end."""
    made = [Visitor(server, account, **options) for account in accounts]
    try:
        await asyncio.gather(*(one.arrive() for one in made))
        yield made
    finally:
        for one in made:
            one.vanish()
