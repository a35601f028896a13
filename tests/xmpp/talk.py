"""One visitor and an agent, by account and by component: the whole of an ordinary chat."""

import asyncio

import servers
from house import OFFER_SECONDS, PERMITS, QUEUE, QUEUE_OF_COMPONENT, SUPPORT, text_of
from machine import Failed
from visitor import CHAT_STATES, ET, MARKERS, RECEIPTS, SOON, eventually, visitors

# Both ways to write to schakel without a room, and the queue that each leads to.
WAYS = {"account": (SUPPORT, QUEUE), "component": (PERMITS, QUEUE_OF_COMPONENT)}


async def conversation(house, way):
    """C01 C03 C07 C11 O10 O06: waits, is offered, accepted, both talk, the agent ends it."""
    to, queue = WAYS[way]
    mark = len(house.jkc.events)
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", resource=f"talk-{way}") as (anna,):
        anna.say(to, "good morning, a question")
        chat = await house.chat_of(anna.boundjid.bare)
        for kind in ("chat.opened", "chat.queued", "chat.offered"):
            await house.jkc.hears(kind, lambda data: chat in text_of(data), mark)
        found = await house.chat(chat)
        if found["queue"] != queue:
            raise Failed(f"the chat is in queue {found['queue']}, not {queue}")
        await anna.hears("We zijn beschikbaar!")
        await house.serve("agent-1", chat)
        await house.jkc.hears("chat.active", lambda data: chat in text_of(data), mark)
        await anna.hears("Jan neemt deel aan de chat.")

        said = await house.say(chat, "agent-1", "good morning, this is Jan")
        heard = await anna.hears("good morning, this is Jan")
        if not heard["id"]:
            raise Failed("a message to a visitor has no id: it could not be acknowledged")
        await house.delivered(chat, said, "delivered", "displayed")
        anna.say(heard["from"], "thank you")
        await house.read(chat, "thank you")
        marker = anna.make_message(mto=heard["from"], mtype="chat")
        marker.xml.append(ET.Element(f"{{{MARKERS}}}displayed", {"id": heard["id"]}))
        marker.send()
        await house.delivered(chat, said, "displayed")

        for number in range(20):
            anna.say(heard["from"], f"line {number:02}")
        for number in range(20):
            await house.read(chat, f"line {number:02}")
        lines = [row["text"] for row in await house.messages(chat) if row["text"].startswith("line")]
        if lines != sorted(lines):
            raise Failed(f"lines came out of order: {lines}")
        seqs = [row["seq"] for row in await house.messages(chat) if row["audience"] == "public"]
        if seqs != list(range(1, len(seqs) + 1)):
            raise Failed(f"seq has gaps: {seqs}")

        await house.do(chat, "end", agent="agent-1")
        await anna.hears("De chat is beëindigd.")
        await house.becomes(chat, "wrapping", "archived")
        await house.jkc.hears("chat.ended", lambda data: chat in text_of(data), mark)
        await house.do(chat, "archive")
        await house.becomes(chat, "archived")
    await house.gone("agent-1")
    return "waits, is offered, joined, answered, read, ended, archived"


async def receipts(house, way):
    """O07: who asks for a receipt gets one, once the message is kept."""
    to, _ = WAYS[way]
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", resource=f"receipts-{way}") as (anna,):
        id = anna.say(to, "did you get this?", request=True, markable=True)
        _, receipt = await anna.element("a receipt (XEP-0184)", RECEIPTS, "received")
        if receipt.get("id") != id:
            raise Failed(f"a receipt for {receipt.get('id')}, not {id}")
        chat = await house.serve("agent-1", await house.chat_of(anna.boundjid.bare))
        await house.read(chat, "did you get this?")
        await ended(house, chat)
    return "a receipt names the message that it is for"


async def typing(house, way):
    """O11: what the visitor types is seen before he sends it, and is kept nowhere; he sees that the agent types."""
    to, _ = WAYS[way]
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", resource=f"typing-{way}", real_time_text=True) as (anna,):
        anna.say(to, "hello")
        chat = await house.serve("agent-1", await house.chat_of(anna.boundjid.bare))
        async with house.typing(chat) as seen:
            anna.state(to, "composing")
            await eventually("the agent sees that the visitor types", SOON, has(seen, lambda one: one["typing"]))
            anna.types(to, "my secret draft", event="new")
            await eventually(
                "the agent sees the draft", SOON, has(seen, lambda one: "my secret draft" in (one.get("text") or ""))
            )
        await house.rest.must("POST", f"/chats/{chat}/typing", {"agent": "agent-1", "typing": True})
        await anna.element("the visitor sees that the agent types", CHAT_STATES, "composing")
        anna.say(to, "something else")
        await house.read(chat, "something else")
        if "my secret draft" in text_of(await house.messages(chat)) + text_of(house.jkc.events):
            raise Failed("what was typed and not sent was kept")
        await ended(house, chat)
    return "typing and real-time text reach the agent, and nothing of it is kept"


async def correction(house, way):
    """O07: a correction (XEP-0308) stands beside what it corrects."""
    to, _ = WAYS[way]
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", resource=f"correction-{way}") as (anna,):
        wrong = anna.say(to, "my number is 1234")
        chat = await house.serve("agent-1", await house.chat_of(anna.boundjid.bare))
        anna.say(to, "my number is 1243", replaces=wrong)
        first = await house.read(chat, "my number is 1234")
        await house.read(chat, "my number is 1243", corrects=first["id"])
        await ended(house, chat)
    return "both are in the transcript, and the second names the first"


async def ignored(house, way):
    """C08 C09 W02 W10: an offer that is ignored goes to the next and the text changes; a rejected one goes on at once."""
    to, _ = WAYS[way]
    mark = len(house.jkc.events)
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", resource=f"ignored-{way}") as (anna,):
        anna.say(to, "is anybody there?")
        chat, offer = await house.offered("agent-1")
        await house.agent("agent-2", "Piet")
        await anna.hears("Het lijkt iets langer te duren", seconds=OFFER_SECONDS + SOON)
        await house.jkc.hears("chat.expired", lambda data: offer in text_of(data), mark)
        _, second = await house.offered("agent-2", chat)
        await house.rest.must("POST", f"/chats/{chat}/offers/{second}/reject", {"agent": "agent-2"})
        await house.serve("agent-1", chat)
        late = await house.rest.refused(409, "POST", f"/chats/{chat}/offers/{second}/accept", {"agent": "agent-2"})
        await house.gone("agent-2")
        await ended(house, chat)
    return f"expired, rejected, taken; a late accept is refused ({late['type'].rsplit('/', 1)[-1]})"


async def unserved(house, way):
    """C10: nobody is in the channel: the visitor is told so, and JKC too."""
    to, _ = WAYS[way]
    mark = len(house.jkc.events)
    async with visitors(house.server, "anna", resource=f"unserved-{way}") as (anna,):
        anna.say(to, "is it open?")
        await anna.hears("Het Chatkanaal is momenteel niet beschikbaar")
        chat = await house.chat_of(anna.boundjid.bare)
        await house.becomes(chat, "unserved")
        await house.jkc.hears("chat.ended", lambda data: chat in text_of(data), mark)
    return "told, and over"


async def abandoned(house, way):
    """O16: the visitor says that he is gone before anybody joins: the offer is taken away."""
    to, _ = WAYS[way]
    mark = len(house.jkc.events)
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", resource=f"abandoned-{way}") as (anna,):
        anna.say(to, "never mind")
        chat, offer = await house.offered("agent-1", await house.chat_of(anna.boundjid.bare))
        anna.state(to, "gone")
        await house.becomes(chat, "abandoned", seconds=60)
        await house.jkc.hears("chat.revoked", lambda data: offer in text_of(data), mark)
    await house.gone("agent-1")
    return "abandoned, and its offer revoked"


async def vanished(house, way):
    """O15: the connection of a visitor in a chat breaks: he is waited for, and his chat goes on when he comes back."""
    to, _ = WAYS[way]
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", resource=f"vanished-{way}") as (anna,):
        anna.say(to, "I am on a train")
        chat = await house.serve("agent-1", await house.chat_of(anna.boundjid.bare))
        await house.say(chat, "agent-1", "all right")
        await anna.hears("all right")
        anna.abort()
        await house.say(chat, "agent-1", "said in the tunnel")
        await anna.hears("said in the tunnel", seconds=60)
        anna.say(to, "there I am again")
        await house.read(chat, "there I am again")
        if (await house.chat(chat))["state"] != "active":
            raise Failed("the chat did not go on")
        await ended(house, chat)
    return "what was said in the tunnel came, and the chat went on"


async def two(house, way):
    """C04 O19: two visitors at once, each his own chat, no word crosses."""
    to, _ = WAYS[way]
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", "bert", resource=f"two-{way}") as both:
        chats = []
        for one in both:
            one.say(to, f"I am {one.account}")
            chats.append(await house.serve("agent-1", await house.chat_of(one.boundjid.bare)))
        if chats[0] == chats[1]:
            raise Failed("two visitors are in one chat")
        await asyncio.gather(
            *(house.say(chat, "agent-1", f"only for {one.account}") for chat, one in zip(chats, both, strict=True))
        )
        for one, other in (both, reversed(both)):
            await one.hears(f"only for {one.account}")
            if f"only for {other.account}".encode() in one.raw:
                raise Failed(f"{one.account} got what was for {other.account}")
        for chat in chats:
            await ended(house, chat)
    return "each hears his own"


async def presence(house, way):
    """O02 C02: an agent's own chat program says that he is away: he is offered nothing; what he is, is shown there."""
    if way != "component":
        return "only by component: the agents' addresses are there"
    await house.agent("agent-3", "Karel")
    async with visitors(house.server, "colleague", resource="desk") as (colleague,):
        colleague.send_presence(pto=servers.COMPONENT, pshow="dnd", pstatus="lunch")
        colleague.send_presence(pshow="dnd", pstatus="lunch")

        async def shown():
            agent = await house.rest.must("GET", "/agents/agent-3")
            return (agent.get("chat") or {}).get("shown", {}).get("show") == "doNotDisturb"

        await eventually("the agent's presence is taken over", SOON, shown)
    await house.gone("agent-3")
    return "presence of an agent's own program is taken over"


def has(seen, fits):
    """A probe: one of the seen fits."""

    async def probe():
        return any(fits(one) for one in seen)

    return probe


async def ended(house, chat, agent="agent-1"):
    """Ends and archives a chat, and takes the agent out of the channel."""
    await house.do(chat, "end", agent=agent)
    await house.becomes(chat, "wrapping", "archived")
    await house.do(chat, "archive")
    await house.gone(agent)


STORIES = [conversation, receipts, typing, correction, ignored, unserved, abandoned, vanished, two, presence]
