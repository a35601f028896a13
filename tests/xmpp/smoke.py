"""Whether a server is set up as the suite needs it: between strangers' programs, without schakel."""

import contextlib
import hashlib
import ssl
import urllib.request

import servers
from machine import Failed
from visitor import SOON, Component, eventually, visitors


def fetch(server, url):
    """What is at a link of the server's file store."""
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with urllib.request.urlopen(url, context=context, timeout=SOON) as response:
        return response.read()


async def smoke(server):
    """Two clients, a room with an archive, an account's archive, a component, a file."""
    async with visitors(server, "anna", "bert") as (anna, bert):
        said = anna.say(f"bert@{servers.DOMAIN}", "hello")
        heard = await bert.hears("hello")
        if heard["id"] != said:
            raise Failed("the id of a message changed on its way")

        async def acked():
            return said in anna.acknowledged

        await eventually("the server acknowledges a message (XEP-0198)", SOON, acked)
        await archived(bert, None, said)

        room = f"smoke@{servers.ROOMS}"
        await anna.open_room(room, "Anna", enable_logging="1", enablearchiving="1", mam="1")
        await bert.enter(room, "Bert")
        said = anna.say(room, "in the room", "groupchat")
        await bert.hears("in the room", kind="groupchat")
        await archived(bert, room, said)

        component = await Component(server).arrive()
        anna.say(f"anyone@{servers.COMPONENT}", "to the component")
        await component.inbox.expect("a message to any address", lambda one: one["body"] == "to the component")
        component.send_message(f"anna@{servers.DOMAIN}", "from the component", mfrom=f"queue@{servers.COMPONENT}")
        await anna.hears("from the component")
        with contextlib.suppress(TimeoutError):
            await component.disconnect(wait=1)

        words = hashlib.sha256(b"schakel").digest() * 1000
        put_url, headers, get_url = await anna.slot("words.pdf", words, "application/pdf")
        put(server, put_url, headers, words)
        if fetch(server, get_url) != words:
            raise Failed("a file came back changed")
    return "two clients, archives of account and room, a component, a file"


def put(server, url, headers, words):
    """Uploads to a slot."""
    request = urllib.request.Request(url, words, headers | {"Content-Type": "application/pdf"}, method="PUT")
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with urllib.request.urlopen(request, context=context, timeout=SOON) as response:
        if response.status not in (200, 201):
            raise Failed(f"the file store answers {response.status}")


async def archived(client, of, id):
    """A message is in an archive."""

    async def there():
        return id in [message["id"] for _, message in await client.archive(of)]

    await eventually(f"message {id} in the archive of {of or client.account}", SOON, there)
