"""Several people in one chat: rooms, invitations, whispers, files."""

import hashlib
import http.client
import json
import uuid

import servers
from house import PERMITS, SUPPORT, text_of
from machine import Failed
from smoke import fetch
from talk import WAYS, ended
from visitor import SOON, eventually, visitors

# Never said to a visitor. In one word, so that no wrapping hides it.
WHISPER = "fluisterwoord-8c1f"


async def room(house, mediated):
    """C01 O20: a visitor invites the queue into his room; the agent joins with his nickname and both talk."""
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", resource="room") as (anna,):
        name = f"room-{uuid.uuid4().hex[:8]}@{servers.ROOMS}"
        await anna.open_room(name, "Anna", enablelogging="1", mam="1")
        invite(anna, name, mediated)
        anna.say(name, "a question in my room", "groupchat")
        chat, offer = await house.offered("agent-1")
        await house.accept(chat, offer, "agent-1")
        await house.read(chat, "a question in my room")
        said = await house.say(chat, "agent-1", "an answer in the room")
        heard = await anna.hears("an answer in the room", kind="groupchat")
        if heard["from"].resource != "Jan":
            raise Failed(f"the agent is called {heard['from'].resource} in the room, not Jan")
        await house.delivered(chat, said, "sent", "delivered", "displayed")
        rows = [row for row in await house.messages(chat) if "question in my room" in row["text"]]
        if len(rows) != 1:
            raise Failed(f"the question is there {len(rows)} times: an invitation comes twice in one stanza")
        await ended(house, chat)
    return "joined, talked, ended"


async def direct_invitation(house):
    """C01 O20: by a direct invitation (XEP-0249)."""
    return await room(house, False)


async def mediated_invitation(house):
    """C01 O20: by the room's own invitation (XEP-0045 7.8.2)."""
    return await room(house, True)


def invite(visitor, room, mediated):
    """Invites the component's queue."""
    if mediated:
        visitor.plugin["xep_0045"].invite(room, PERMITS, reason="a question")
    else:
        visitor.plugin["xep_0249"].send_invitation(PERMITS, room, reason="a question")


async def whispers(house):
    """W07 W08 O20 O22 rule 10: agents whisper in a chat; no byte of it reaches the visitor; the chat is handed over."""
    for way, (to, _) in WAYS.items():
        await house.begin()
        await house.agent("agent-1", "Jan")
        async with visitors(house.server, "anna", resource=f"whispers-{way}") as (anna,):
            anna.say(to, "a hard question")
            chat = await house.serve("agent-1", await house.chat_of(anna.boundjid.bare))
            await whispered(house, anna, chat)
    return "invited, whispered, handed over; not a byte of it in what the visitor's socket received"


async def whispers_in_a_room(house):
    """W08 rule 10: the same in a visitor's room, where private words have a room of their own."""
    await house.agent("agent-1", "Jan")
    async with visitors(house.server, "anna", resource="whispers-room") as (anna,):
        name = f"room-{uuid.uuid4().hex[:8]}@{servers.ROOMS}"
        await anna.open_room(name, "Anna", enablelogging="1", mam="1")
        invite(anna, name, False)
        anna.say(name, "a hard question", "groupchat")
        chat, offer = await house.offered("agent-1")
        await house.accept(chat, offer, "agent-1")
        await whispered(house, anna, chat, name)
        archive = " ".join(str(message) for _, message in await anna.archive(name))
        if WHISPER in archive:
            raise Failed("a private word is in the archive of the visitor's room")
    return "not in the visitor's socket, not in his room's archive"


async def whispered(house, anna, chat, room=None):
    """Two agents whisper, the first hands the chat over, everything that the visitor received is searched."""
    await house.agent("agent-2", "Piet")
    await house.do(chat, "invite", agent="agent-1", to={"agent": "agent-2"}, leaveOnJoin=False)
    again = {"agent": "agent-1", "to": {"agent": "agent-2"}, "leaveOnJoin": False}
    await house.rest.refused(409, "POST", f"/chats/{chat}/invite", again)
    _, offer = await house.offered("agent-2", chat)
    await house.accept(chat, offer, "agent-2")
    await anna.hears("Piet")
    for agent in ("agent-1", "agent-2"):
        await house.say(chat, agent, f"{WHISPER} by {agent}", audience="agents")
        await house.say(chat, agent, f"to you, by {agent}")
        await anna.hears(f"to you, by {agent}")
    # Also as a file's name and as a canned text's, and after the owner has left.
    await house.do(chat, "leave", agent="agent-1")
    await house.say(chat, "agent-2", f"{WHISPER} after the transfer", audience="agents")
    await house.rest.refused(409, "POST", f"/chats/{chat}/leave", {"agent": "agent-2"})
    internal = text_of(await house.transcript(chat, "internal"))
    public = text_of(await house.transcript(chat, "public"))
    if internal.count(WHISPER) < 3 or WHISPER in public:
        raise Failed(f"private words: {internal.count(WHISPER)} internal, {public.count(WHISPER)} public")
    await house.do(chat, "end", agent="agent-2")
    await anna.hears("De chat is beëindigd.")
    await house.do(chat, "archive")
    if WHISPER.encode() in anna.raw:
        raise Failed("a private word reached the visitor's socket")
    await house.gone("agent-1")
    await house.gone("agent-2")


async def file(house):
    """W09: an agent's file comes to the visitor as a link, and is what was sent."""
    words = b"%PDF-1.4\n" + hashlib.sha256(b"schakel").hexdigest().encode() * 2000 + b"\n%%EOF\n"
    for way, (to, _) in WAYS.items():
        await house.begin()
        await house.agent("agent-1", "Jan")
        async with visitors(house.server, "anna", resource=f"file-{way}") as (anna,):
            anna.say(to, "can you send me the form?")
            chat = await house.serve("agent-1", await house.chat_of(anna.boundjid.bare))
            status, answer = upload(house, chat, words)
            if status not in (200, 201):
                raise Failed(f"POST /v1/chats/{{chat}}/files: {status} {answer}")
            await house.say(chat, "agent-1", "here it is", files=[answer["id"]])
            heard = await anna.inbox.expect("a link to the file", lambda one: "https://localhost" in str(one))
            url = link_in(str(heard))
            if fetch(house.server, url) != words:
                raise Failed("the file that the visitor fetches is not what was sent")
            await ended(house, chat)
    return f"{len(words)} bytes came over as they were, by both ways"


def upload(house, chat, words):
    """Gives a file to the daemon."""
    connection = http.client.HTTPConnection("127.0.0.1", house.daemon.api_port, timeout=SOON)
    headers = {
        "Authorization": f"Bearer {house.rest.daemon.token}",
        "Idempotency-Key": str(uuid.uuid4()),
        "Content-Type": "application/pdf",
        "Content-Disposition": 'attachment; filename="formulier.pdf"',
    }
    connection.request("POST", f"/v1/chats/{chat}/files", words, headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, json.loads(text) if "json" in (response.getheader("Content-Type") or "") else text


def link_in(text):
    """The first link to the server's file store."""
    return "https://localhost" + text.split("https://localhost", 1)[1].split("<", 1)[0].split('"', 1)[0].split()[0]


async def observer(house):
    """O23: who watches unseen is not seen, not even by name."""
    await house.agent("agent-1", "Jan")
    await house.agent("agent-2", "Verborgen-Meekijker")
    async with visitors(house.server, "anna", resource="observer") as (anna,):
        anna.say(SUPPORT, "who is there?")
        chat = await house.serve("agent-1", await offered_to_first(house, anna))
        await house.do(chat, "observe", agent="agent-2", purpose="quality")
        await house.say(chat, "agent-1", "only me")
        await anna.hears("only me")
        if b"Meekijker" in anna.raw:
            raise Failed("the visitor was told of the observer")
        await house.gone("agent-2")
        await ended(house, chat)
    return "the visitor's socket received nothing of him"


async def offered_to_first(house, anna):
    """The chat, once agent-1 is the one to whom it is offered (agent-2 rejects)."""
    chat = await house.chat_of(anna.boundjid.bare)

    async def to_first():
        offer = (await house.chat(chat)).get("offer")
        if offer and offer["state"] == "pending" and offer["agent"] == "agent-2":
            await house.rest.ask("POST", f"/chats/{chat}/offers/{offer['id']}/reject", {"agent": "agent-2"})
        return offer and offer["agent"] == "agent-1"

    await eventually("offered to agent-1", SOON, to_first)
    return chat


STORIES = [direct_invitation, mediated_invitation, whispers, whispers_in_a_room, file, observer]
