"""Nothing is lost and nothing is doubled (P03): visitors write ten thousand messages while everything around the daemon,
and the daemon itself, fails again and again.

Two kinds of visitor: who writes to an account (its archive is what the daemon catches up from), and who writes in a
room that the daemon was invited to (the room's archive).
"""

import asyncio
import collections
import http.client
import random
import time
import uuid

import pace
import house as houses
import ledger
import sabotage
from house import PERMITS, SUPPORT
from machine import Failed
from sender import RoomSender, Sender
from visitor import eventually, timeout, visitors

WRITERS = 60
ROOM_WRITERS = 20
ACCOUNTS = [
    houses.ACCOUNT,
    *[f"writer-{number}" for number in range(WRITERS)],
    *[f"room-writer-{number}" for number in range(ROOM_WRITERS)],
]

# Said by each, so that well over ten thousand are acknowledged.
EACH = 145
ACKNOWLEDGED_MIN = 10_000

# Between two messages of one visitor, on average: all of them together then write some 260 a second. None writes
# faster than a visitor may, also when what he wrote during an outage comes at once.
PAUSE = 0.3

# A daemon that acts before the commit is noticed within so many kills.
KILLS_OF_A_BROKEN_ONE = 15

# Between two answers of all agents together.
ANSWER_PAUSE = 0.05

# A visitor was told what the transcript does not have.
NOT_KEPT = "told but not kept: "

# Each agent has so many chats at most: his capacity is that of the queues' `chats_max`.
CHATS_OF_AN_AGENT = 20

# What a server may lose by itself, of all that it acknowledged, by one SIGKILL: seen is one a room.
SERVER_LOSES_MAX = 3 * ROOM_WRITERS

# After everything is whole again, the rest must come in within this.
CATCH_UP_SECONDS = 90


class Faults:
    """Everything that goes wrong, in an order that the seed chooses."""

    def __init__(self, house, dice, only_kills):
        self.house = house
        self.dice = dice
        self.only_kills = only_kills
        self.done = []

    def plan(self):
        """Each kind so often, shuffled."""
        if self.only_kills:
            return [self.daemon_killed] * KILLS_OF_A_BROKEN_ONE
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
        await pace.pause(self.dice.uniform(low, high))

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
                await pace.look_again()
            self.done.append(fault.__name__)
            await fault()


class Answers:
    """What the agents say meanwhile, over REST, to who writes to the account; every message under an id of its own."""

    def __init__(self, house, writers, dice, pause=ANSWER_PAUSE, hands=1, insists=0.5):
        self.house = house
        self.dice = dice
        self.pause = pause
        # So many answer at the same time; so often one asks again when the daemon does not say that it has it.
        self.hands = hands
        self.insists = insists
        self.number = 0
        self.writers = [one for one in writers if not isinstance(one, RoomSender)]
        # By visitor, in the order in which they were said: the text, and whether REST said that it took it.
        self.said = {one.account: [] for one in self.writers}
        self.chats = {}
        # The accounts' archives may have those of another run.
        self.run = uuid.uuid4().hex[:6]

    async def talk(self):
        """Answers, one after another a hand, until it is cancelled."""
        for chat in await self.house.chats():
            agents = [one["agent"] for one in chat["participants"]]
            self.chats[(chat["visitor"].get("address") or "").split("@")[0]] = (chat["id"], agents[0])
        await asyncio.gather(*(self.answers() for _ in range(self.hands)))

    async def answers(self):
        """One hand's."""
        while True:
            self.number += 1
            await self.answer(self.dice.choice(self.writers).account, self.number)
            await pace.pause(self.pause * self.dice.uniform(0, 2))

    async def answer(self, account, number):
        """One answer. When the daemon does not say that it has it, it is asked again with the same id, as JKC does; but
        sometimes nobody asks again, and then it is there once or not at all."""
        chat, agent = self.chats[account]
        row = [f"answer {self.run} {number:05} to {account}", False]
        self.said[account].append(row)
        path, body = f"/chats/{chat}/messages/{uuid.uuid4()}", {"agent": agent, "audience": "public", "text": row[0]}
        gives_up = self.dice.random() >= self.insists
        while not row[1]:
            try:
                status, answer = await self.house.rest.ask("PUT", path, body)
            except (OSError, http.client.HTTPException):
                if gives_up:
                    return
                await pace.look_again()
                continue
            if not 200 <= status < 300:
                raise Failed(f"PUT /v1{path}: {status} {answer}")
            row[1] = True

    async def complaints(self):
        """What is wrong with the agents' side."""
        wrong = []
        for one in self.writers:
            rows = self.said[one.account]
            taken, tried = [text for text, done in rows if done], [text for text, _ in rows]
            messages = await self.house.messages(self.chats[one.account][0])
            kept = [row["text"] for row in messages if row["author"]["kind"] == "agent"]
            wrong += ledger.judge(taken, tried, kept)
            heard = {}
            for _, message in await one.archive():
                if message["body"].startswith(f"answer {self.run} "):
                    heard.setdefault(message["body"], set()).add(message["id"])
            wrong += [f"{NOT_KEPT}{text}" for text in heard if text not in set(kept)]
            wrong += [f"not told: {text}" for text in taken if text not in heard]
            wrong += [f"told under {len(ids)} ids: {text}" for text, ids in heard.items() if len(ids) > 1]
        return wrong


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


async def write(house, writers, answers, dice, only_kills=False):
    """Everybody writes while everything fails; returns when all is said and whole again. Gives what went wrong."""
    total = EACH * len(writers)
    faults = Faults(house, dice, only_kills)
    failing = asyncio.ensure_future(faults.run(lambda: sum(len(one.said) for one in writers) / total))
    talking = [asyncio.ensure_future(one.talk(EACH, PAUSE)) for one in writers]
    answering = asyncio.ensure_future(answers.talk())
    try:
        await asyncio.gather(failing, *talking)
        if answering.done():
            answering.result()
        await asyncio.gather(*(one.finish() for one in writers))
    finally:
        for task in (failing, answering, *talking):
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


# The limits of people's chats are not what is tested here.
LIMITS = "messages_a_minute_max = 100000\nmessages_max = 100000\nchats_a_visitor_max = 100"


async def negative_control(server, folder, seed):
    """A daemon that acts before the commit is killed again and again: that a visitor was told what is not in the
    transcript must be noticed."""
    dice = random.Random(seed)
    program = sabotage.Broken(await asyncio.to_thread(sabotage.program))
    async with houses.house(server, folder, chat=LIMITS, grace=3600, program=program, kinds=None) as house:
        writers = [Sender(server, f"writer-{number}", SUPPORT, dice) for number in range(WRITERS // 2)]
        try:
            await begin(house, writers)
            # Many at once, and nobody asks again: a kill then falls between telling and keeping of some of them.
            answers = Answers(house, writers, dice, pause=0.005, hands=10, insists=0)
            await write(house, writers, answers, dice, only_kills=True)
            wrong = await answers.complaints()
        finally:
            for one in writers:
                one.vanish()
    if not any(line.startswith(NOT_KEPT) for line in wrong):
        raise Failed(f"a daemon that acts before the commit was not noticed in {KILLS_OF_A_BROKEN_ONE} kills: {wrong[:5]}")
    return f"a daemon that acts before the commit is noticed {len(wrong)} times, as in: {wrong[0]}"


async def fault_test(server, folder, seed):
    """The whole test. Gives a line that says what was shown."""
    proved = ledger.prove()
    dice = random.Random(seed)
    began = time.monotonic()
    async with houses.house(server, folder, chat=LIMITS, grace=3600, kinds=None) as house:
        writers = [Sender(server, f"writer-{number}", SUPPORT, dice) for number in range(WRITERS)]
        writers += [RoomSender(server, f"room-writer-{number}", dice) for number in range(ROOM_WRITERS)]
        try:
            await begin(house, writers)
            answers = Answers(house, writers, dice)
            done = await write(house, writers, answers, dice)
            excused = await servers_own(server, writers)
            wrong = await caught_up(house, writers, answers, excused)
            answered = sum(len(rows) for rows in answers.said.values())
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
        f"{len(excused)}; {answered} answers were told and kept; the judgement goes red in {proved} ways; {time.monotonic() - began:.0f} s"
    )


async def caught_up(house, writers, answers, excused):
    """Waits until nothing is wrong any more, or nothing can become right; gives what is wrong."""
    wrong = ["nothing was looked at"]
    end = time.monotonic() + CATCH_UP_SECONDS
    await house.up(CATCH_UP_SECONDS)
    while wrong and time.monotonic() < end:
        wrong = await complaints(house, writers, excused) or await answers.complaints()
        # What is doubled or out of order stays so.
        if any(not line.startswith(("lost: ", "not told: ")) for line in wrong):
            break
        await pace.look_again(1)
    return wrong
