"""Visitors who write as fast as their server takes it, and know what it has taken."""

import asyncio

import pace
import servers
from visitor import SOON, Visitor, timeout

# Messages that one visitor has under way at most: what a lost session leaves unknown.
WINDOW = 20

# How long a visitor may be kept from writing: the longest outage, and a slow machine.
STALLED_SECONDS = 120


class Sender(Visitor):
    """Writes numbered messages to an address, each once. A message that its server never acknowledged is not said
    again: whether it arrived is unknown, and it may be there once or not at all."""

    def __init__(self, server, account, to, dice):
        super().__init__(server, account)
        self.to = to
        self.dice = dice
        # In the order in which they were said: id, text.
        self.said = []
        self.given_up = set()
        self.add_event_handler("sm_failed", self.forgotten)
        self.add_event_handler("session_end", self.forgotten)

    def forgotten(self, _):
        """The session is over; what was not acknowledged by then never will be."""
        self.given_up |= {id for id, _ in self.said} - self.acknowledged

    def under_way(self):
        """How many messages wait for the server's word."""
        return len(self.said) - len(self.acknowledged | self.given_up)

    def texts(self):
        """What the server acknowledged, and everything that was said, in order."""
        return [text for id, text in self.said if id in self.acknowledged], [text for _, text in self.said]

    async def settled(self):
        """Waits until there is room for another message."""
        while not self.ready.is_set() or self.under_way() >= WINDOW:
            await pace.look_again(0.01)

    async def talk(self, count, pause):
        """Says so many."""
        for _ in range(count):
            number = len(self.said)
            async with timeout(f"{self.account}: its server takes message {number}", STALLED_SECONDS, self.inbox.last):
                await self.settled()
            text = f"{self.account} says {number:05}"
            self.said.append((self.one(text), text))
            if pause:
                await pace.pause(pause * self.dice.uniform(0, 2))

    def one(self, text):
        """Says it."""
        return self.say(self.to, text)

    async def finish(self):
        """Waits for the last acknowledgements."""
        async with timeout(f"{self.account}: its server takes the last message", STALLED_SECONDS):
            while not self.ready.is_set() or self.under_way():
                await pace.look_again()


class RoomSender(Sender):
    """Writes in a room of its own. The room's word is what counts: its reflection of a message, which is in the room's
    archive. A lost session leaves the room, so it is entered again."""

    def __init__(self, server, account, dice):
        super().__init__(server, account, f"{account}-room@{servers.ROOMS}", dice)
        self.inside = asyncio.Event()
        self.add_event_handler("groupchat_message", self.reflected)
        self.add_event_handler("session_start", self.outside)

    def outside(self, _):
        """A new session is in no room."""
        self.inside.clear()

    def acked(self, _):
        """That its server took it is not yet that the room did."""

    def reflected(self, stanza):
        """The room gives our own words back to us."""
        if stanza["id"] in self.sent and stanza["from"].resource == self.account:
            self.acknowledged.add(stanza["id"])

    async def settled(self):
        await super().settled()
        if not self.inside.is_set():
            async with asyncio.timeout(SOON):
                await self.enter(self.to, self.account)
            self.inside.set()

    def one(self, text):
        return self.say(self.to, text, "groupchat")
