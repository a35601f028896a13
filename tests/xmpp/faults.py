"""Nothing is lost and nothing is doubled (P03): visitors write ten thousand messages while everything around the daemon,
and the daemon itself, fails again and again.

Two kinds of visitor: who writes to an account (its archive is what the daemon catches up from), and who writes in a
room that the daemon was invited to (the room's archive).
"""

import asyncio
import collections
import contextlib
import random
import time

import house as houses
import ledger
from house import PERMITS, SUPPORT
from machine import Failed
from sender import RoomSender, Sender
from visitor import eventually, timeout, visitors

WRITERS = 60
ROOM_WRITERS = 20
# Said by each, so that well over ten thousand are acknowledged.
EACH = 145
ACKNOWLEDGED_MIN = 10_000

# Between two messages of one visitor, on average: all of them together then write some 260 a second. None writes
# faster than a visitor may, also when what he wrote during an outage comes at once.
PAUSE = 0.3

# Each agent has so many chats at most: his capacity is that of the queues' `chats_max`.
CHATS_OF_AN_AGENT = 20

# What a server may lose by itself, of all that it acknowledged, by one SIGKILL: seen is one a room.
SERVER_LOSES_MAX = 3 * ROOM_WRITERS

# After everything is whole again, the rest must come in within this.
CATCH_UP_SECONDS = 90


class Faults:
    """Everything that goes wrong, in an order that the seed chooses."""

    def __init__(self, house, dice):
        self.house = house
        self.dice = dice
        self.done = []

    def plan(self):
        """Each kind so often, shuffled."""
        plan = (
            [self.daemon_killed] * 5
            + [self.daemon_stopped]
            + [self.server_restarted]
            + [self.server_killed]
            + [self.connection_cut] * 3
            + [self.half_open] * 2
            + [self.hole_that_heals]
            + [self.hole_that_forgets]
            + [self.server_frozen]
            + [self.slow_line]
        )
        self.dice.shuffle(plan)
        return plan

    def proxies(self):
        """Both lines between the daemon and the server."""
        return self.house.account_proxy, self.house.component_proxy

    async def pause(self, low, high):
        """A while."""
        await asyncio.sleep(self.dice.uniform(low, high))

    async def daemon_killed(self):
        """SIGKILL, and up again after a while."""
        self.house.daemon.kill()
        await self.pause(0, 1)
        await self.house.daemon.start()

    async def daemon_stopped(self):
        """An orderly restart."""
        await asyncio.to_thread(self.house.daemon.stop)
        await self.house.daemon.start()

    async def server_restarted(self):
        """An orderly restart of the XMPP server."""
        await asyncio.to_thread(self.house.server.stop)
        await self.pause(0, 1)
        await asyncio.to_thread(self.house.server.start)

    async def server_killed(self):
        """SIGKILL of the XMPP server."""
        self.house.server.kill()
        await self.pause(0, 1)
        await asyncio.to_thread(self.house.server.start)

    async def connection_cut(self):
        """RST on both lines."""
        for proxy in self.proxies():
            proxy.cut()

    async def half_open(self):
        """The daemon's end is gone; the server believes that it is there, for a while."""
        left = [end for proxy in self.proxies() for end in proxy.half_open()]
        await self.pause(1, 3)
        for end in left:
            end.transport.abort()

    async def hole_that_heals(self):
        """Nothing passes for a while, then everything does."""
        await self.hole(False)

    async def hole_that_forgets(self):
        """Nothing passes for a while, then the connections are gone."""
        await self.hole(True)

    async def hole(self, lost):
        """Both lines."""
        for proxy in self.proxies():
            proxy.hole()
        await self.pause(1, 3)
        for proxy in self.proxies():
            proxy.heal(lost)

    async def server_frozen(self):
        """The server stops answering for a while."""
        self.house.server.freeze()
        await self.pause(1, 2)
        self.house.server.resume()

    async def slow_line(self):
        """Every piece takes longer for a while."""
        for proxy in self.proxies():
            proxy.delay = 0.1
        await self.pause(1, 2)
        for proxy in self.proxies():
            proxy.delay = 0.0

    async def run(self, progress):
        """All of the plan, spread over the progress (0 to 1) of the writers."""
        plan = self.plan()
        for number, fault in enumerate(plan):
            while progress() < (number + 0.5) / (len(plan) + 1):
                await asyncio.sleep(0.02)
            self.done.append(fault.__name__)
            await fault()


async def begin(house, writers):
    """Everybody says his first word and is in a chat with an agent."""
    agents = [f"agent-{number}" for number in range(-(-len(writers) // CHATS_OF_AN_AGENT))]
    for agent in agents:
        await house.agent(agent)
    for one in writers:
        await one.arrive()
        if isinstance(one, RoomSender):
            await one.open_room(one.to, one.account, persistentroom="1", enablelogging="1", mam="1")
            one.inside.set()
            one.plugin["xep_0249"].send_invitation(PERMITS, one.to, reason="a question")
    await asyncio.gather(*(one.talk(1, 0) for one in writers))

    async def all_are_answered():
        for chat in await house.chats():
            offer = chat.get("offer")
            if offer and offer["state"] == "pending":
                accept = {"agent": offer["agent"]}
                await house.rest.ask("POST", f"/chats/{chat['id']}/offers/{offer['id']}/accept", accept)
        return sum(chat["state"] == "active" for chat in await house.chats()) == len(writers)

    try:
        await eventually("everybody is in a chat with an agent", CATCH_UP_SECONDS, all_are_answered)
    except Failed as failure:
        raise Failed(f"{failure}: {collections.Counter(chat['state'] for chat in await house.chats())}") from None


async def write(house, writers, dice):
    """Everybody writes while everything fails; returns when all is said and whole again. Gives what went wrong."""
    total = EACH * len(writers)
    faults = Faults(house, dice)
    failing = asyncio.ensure_future(faults.run(lambda: sum(len(one.said) for one in writers) / total))
    talking = [asyncio.ensure_future(one.talk(EACH, PAUSE)) for one in writers]
    try:
        await asyncio.gather(failing, *talking)
        await asyncio.gather(*(one.finish() for one in writers))
    finally:
        for task in (failing, *talking):
            task.cancel()
    return faults.done


async def complaints(house, writers, excused):
    """What is wrong with the transcripts now."""
    said = await house.said_by_visitors()
    wrong = []
    for one in writers:
        acknowledged, tried = one.texts()
        wanted = [text for text in acknowledged if text not in excused]
        wrong += ledger.judge(wanted, tried, said.get(one.account, []))
    return wrong


async def servers_own(server, writers):
    """What the server itself lost of what it acknowledged: ejabberd gives a room's message back before it is archived,
    and a SIGKILL can fall between the two. Nobody could find those again. Anything else that is wrong with its archive
    would be news."""
    wrong = []
    async with visitors(server, houses.ACCOUNT, resource="auditor") as (auditor,):
        own = [message for _, message in await auditor.archive()]
        for one in writers:
            if isinstance(one, RoomSender):
                rows = [message for _, message in await one.archive(one.to)]
                texts = [message["body"] for message in rows]
            else:
                texts = [message["body"] for message in own if message["from"].bare == one.boundjid.bare]
            acknowledged, tried = one.texts()
            wrong += ledger.judge(acknowledged, tried, [text for text in texts if text in set(tried)])
    if len(wrong) > SERVER_LOSES_MAX or any(not line.startswith("lost: ") for line in wrong):
        raise Failed(f"the server's own archive is wrong: {wrong[:20]}")
    return {line.removeprefix("lost: ") for line in wrong}


async def fault_test(server, folder, seed, program=None):
    """The whole test. Gives a line that says what was shown."""
    proved = ledger.prove()
    dice = random.Random(seed)
    began = time.monotonic()
    limits = "messages_a_minute_max = 100000\nmessages_max = 100000\nchats_a_visitor_max = 100"
    async with houses.house(server, folder, chat=limits, grace=3600, program=program, kinds=None) as house:
        writers = [Sender(server, f"writer-{number}", SUPPORT, dice) for number in range(WRITERS)]
        writers += [RoomSender(server, f"room-writer-{number}", dice) for number in range(ROOM_WRITERS)]
        try:
            await begin(house, writers)
            done = await write(house, writers, dice)
            excused = await servers_own(server, writers)
            wrong = await caught_up(house, writers, excused)
        finally:
            for one in writers:
                one.vanish()
    acknowledged = sum(len(one.texts()[0]) for one in writers) - len(excused)
    if wrong:
        raise Failed(f"{len(wrong)} of {acknowledged} acknowledged messages are wrong:\n" + "\n".join(wrong[:20]))
    if acknowledged < ACKNOWLEDGED_MIN:
        raise Failed(f"only {acknowledged} messages were acknowledged: this shows less than it should")
    return (
        f"{acknowledged} acknowledged messages, each exactly once and in order, through {len(done)} faults "
        f"({', '.join(sorted(set(done)))}) and {house.daemon.starts} starts of the daemon; the server itself lost "
        f"{len(excused)}; the judgement goes red in {proved} ways; {time.monotonic() - began:.0f} s"
    )


async def caught_up(house, writers, excused):
    """Waits until nothing is wrong any more, or nothing changes; gives what is wrong."""
    with contextlib.suppress(Failed):
        async with timeout("everything is there", CATCH_UP_SECONDS):
            await house.up(CATCH_UP_SECONDS)
            while wrong := await complaints(house, writers, excused):
                # What is doubled or out of order stays so.
                if any(not line.startswith("lost") for line in wrong):
                    return wrong
                await asyncio.sleep(1)
            return []
    return await complaints(house, writers, excused)
