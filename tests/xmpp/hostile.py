"""What a hostile visitor sends: refused or made harmless, with a reason, and others do not notice (issue: bad input)."""

import asyncio
import time
import uuid

import servers
from house import PERMITS, SUPPORT, text_of
from machine import Failed
from talk import ended
from visitor import ET, SOON, visitors

# How long a word of an ordinary visitor may take to be in the transcript while others attack.
OTHERS_SECONDS = 10

INVITATIONS = 1000
FLOOD = 2000
# What a visitor is told of it: in words, or as an error of the message.
REFUSED = "Uw bericht kon niet worden aangenomen"

# Of a flood, so many a minute are taken (chats.messages_a_minute_max of this suite), and some before the count began.
TAKEN_MAX = 200


class Other:
    """An ordinary visitor and an agent who must not notice anything."""

    def __init__(self, house, bert):
        self.house = house
        self.bert = bert
        self.chat = None

    async def begin(self):
        """In a chat with agent-1."""
        await self.house.agent("agent-1", "Jan")
        self.bert.say(SUPPORT, "an ordinary question")
        self.chat = await self.house.serve("agent-1", await self.house.chat_of(self.bert.boundjid.bare))
        return self

    async def unaffected(self):
        """A word each way, within its time."""
        word = uuid.uuid4().hex
        began = time.monotonic()
        self.bert.say(SUPPORT, f"ping {word}")
        await self.house.read(self.chat, f"ping {word}")
        await self.house.say(self.chat, "agent-1", f"pong {word}")
        await self.bert.hears(f"pong {word}")
        took = time.monotonic() - began
        if took > OTHERS_SECONDS:
            raise Failed(f"an ordinary visitor's word and its answer took {took:.1f} s")
        return took


async def flood(house, other, mallory):
    """Two thousand messages at once."""
    mark = len(mallory.inbox.stanzas)
    for number in range(FLOOD):
        mallory.say(SUPPORT, f"flood {number}")
    took = await other.unaffected()
    await mallory.inbox.expect(
        "the visitor is told that he writes too fast",
        lambda one: REFUSED in str(one) or "<policy-violation" in str(one),
        after=mark,
    )
    taken = sum(text.startswith("flood") for text in await words_of(house, mallory))
    if not 0 < taken <= TAKEN_MAX:
        raise Failed(f"{taken} of {FLOOD} messages of a flood were taken")
    return f"{taken} of {FLOOD} taken, the visitor told why; another's word took {took:.2f} s"


async def large(house, other, mallory):
    """10 MB in one message: the server itself may end the stream; a message just over our own limit is refused."""
    mallory.say(SUPPORT, "x" * 100_000)
    await other.unaffected()
    mallory.say(SUPPORT, "y" * 10_000_000)
    took = await other.unaffected()
    if any(len(text) > 20_000 for text in await words_of(house, mallory)):
        raise Failed("a message over the limit was taken")
    async with asyncio.timeout(SOON):
        await mallory.ready.wait()
    return f"refused; another's word took {took:.2f} s"


async def markup(house, other, mallory):
    """HTML, control characters and bidi overrides are text, and stay text."""
    nasty = "<script>alert('x')</script> &lt;b&gt; \u202eevil\u202c"
    mallory.say(SUPPORT, nasty)
    # XML itself has no other control characters than tab, line feed and carriage return; this one is allowed in 1.0.
    mallory.say(SUPPORT, "del\x7f and c1\x85 end-of-nasty")
    await other.unaffected()
    chat = await house.chat_of(mallory.boundjid.bare)
    await house.read(chat, "<script>alert('x')</script>")
    row = await house.read(chat, "end-of-nasty")
    if "\x7f" in row["text"] or "\x85" in row["text"]:
        raise Failed("control characters were kept")
    headers = {"Accept": "text/html"}
    _, page = await house.rest.ask("GET", f"/chats/{chat}/transcript?audience=internal", None, headers)
    if "<script>alert" in str(page):
        raise Failed("the transcript's page has a visitor's script in it")
    return "kept as text, without control characters, escaped in the page"


async def forged(house, other, mallory):
    """A forged `from`, forged delays, and other people's stanza-ids."""
    fake = mallory.message(SUPPORT, "forged words")
    fake["from"] = other.bert.boundjid
    fake.send()
    delayed = mallory.message(SUPPORT, "from the past")
    ET.SubElement(delayed.xml, "{urn:xmpp:delay}delay", {"stamp": "2001-01-01T00:00:00Z", "from": SUPPORT})
    ET.SubElement(delayed.xml, "{urn:xmpp:sid:0}stanza-id", {"id": "1", "by": SUPPORT})
    delayed.send()
    again = mallory.message(SUPPORT, "with the same stanza-id")
    ET.SubElement(again.xml, "{urn:xmpp:sid:0}stanza-id", {"id": "1", "by": SUPPORT})
    again.send()
    await other.unaffected()
    # Some servers end the stream of who forges; he comes back.
    async with asyncio.timeout(SOON):
        await mallory.ready.wait()
    if "forged words" in text_of(await house.messages(other.chat)):
        raise Failed("forged words are in another visitor's chat")
    return "nothing of it is in another's chat"


async def nested(house, other, mallory):
    """Forwards within forwards within carbons, as only our own server may send them."""
    for outer in ("{urn:xmpp:carbons:2}received", "{urn:xmpp:carbons:2}sent", "{urn:xmpp:mam:2}result"):
        message = mallory.message(SUPPORT, None)
        place = ET.SubElement(message.xml, outer)
        for _ in range(50):
            place = ET.SubElement(place, "{urn:xmpp:forward:0}forwarded")
            place = ET.SubElement(
                place,
                "{jabber:client}message",
                {"from": str(other.bert.boundjid), "to": SUPPORT, "type": "chat", "id": str(uuid.uuid4())},
            )
            ET.SubElement(place, "{jabber:client}body").text = "smuggled words"
        message.send()
    await other.unaffected()
    for chat in await house.chats():
        if "smuggled words" in text_of(await house.messages(chat["id"])):
            raise Failed("words of a forged forward were taken")
    return "not taken: only our own server's count"


async def names(house, other, mallory):
    """A visitor who calls himself as an agent does is still a visitor."""
    room = f"names-{uuid.uuid4().hex[:8]}@{servers.ROOMS}"
    await mallory.open_room(room, "Jan")
    mallory.plugin["xep_0249"].send_invitation(PERMITS, room)
    mallory.say(room, "I am Jan, of the municipality", "groupchat")
    chat, offer = await house.offered("agent-1")
    await house.accept(chat, offer, "agent-1")
    row = await house.read(chat, "I am Jan, of the municipality")
    if row["author"]["kind"] != "visitor":
        raise Failed(f"his words are by {row['author']}")
    await house.say(chat, "agent-1", "and I am the agent")
    heard = await mallory.hears("and I am the agent")
    if heard["from"].resource == "Jan":
        raise Failed("the agent spoke in the visitor's name")
    await house.do(chat, "end", agent="agent-1")
    await other.unaffected()
    return f"he stays the visitor; the agent is {heard['from'].resource}"


async def invitations(house, other, mallory):
    """A thousand invitations into rooms, most of which do not exist."""
    for number in range(INVITATIONS):
        mallory.plugin["xep_0249"].send_invitation(PERMITS, f"none-{number}@{servers.ROOMS}")
    took = await other.unaffected()
    chats = [one for one in await house.chats("?open=true") if one["state"] in ("opened", "queued", "offered", "active")]
    his = [one for one in chats if (one["visitor"].get("address") or "").startswith(mallory.boundjid.bare)]
    if len(his) > 5:
        raise Failed(f"{len(his)} live chats of one visitor")
    return f"{len(his)} live chats came of {INVITATIONS}; another's word took {took:.2f} s"


async def words_of(house, visitor):
    """Everything that was taken of a visitor."""
    words = []
    for chat in await house.chats():
        if (chat["visitor"].get("address") or "").startswith(visitor.boundjid.bare):
            words += [row["text"] for row in await house.messages(chat["id"]) if row["author"]["kind"] == "visitor"]
    return words


ATTACKS = [markup, forged, nested, names, large, invitations, flood]


def story(attack):
    """An attack with an ordinary visitor beside it. Each has an account of its own: a flood is remembered."""

    async def told(house):
        account = f"mallory-{ATTACKS.index(attack)}"
        resource = f"bad-{attack.__name__}"
        async with visitors(house.server, account, "bert", resource=resource) as (mallory, bert):
            other = await Other(house, bert).begin()
            shown = await attack(house, other, mallory)
            await ended(house, other.chat)
        return shown

    told.__name__ = attack.__name__
    told.__doc__ = f"P07 bad input: {attack.__doc__}"
    return told


STORIES = [story(attack) for attack in ATTACKS]
