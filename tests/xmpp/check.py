"""The XMPP checks on one real server.

Arguments: prosody or ejabberd; then nothing for everything, or the names of stories, or `smoke`,
`faults`, `control`, `visitors`.

Environment:
  SCHAKEL_BIN   the binary to test; without it the newer of target/release/schakel and target/debug/schakel
  E2E_SEED      the faults' order and moments; without it a new one, which is printed
"""

import asyncio
import contextlib
import os
import random
import sys
import time

import faults
import hostile
import house as houses
import machine
import product
import rooms
import servers
import smoke
import talk
import visitor
import visitors
from machine import Failed

ACCOUNTS = [houses.ACCOUNT, "anna", "bert", "colleague", *[f"mallory-{at}" for at in range(len(hostile.ATTACKS))]]

# One story; the longest waits for an offer to expire.
STORY_SECONDS = 120


def stories():
    """Every story of the suite: name, title, coroutine of a house."""
    for way in talk.WAYS:
        for one in talk.STORIES:
            yield f"{one.__name__}-{way}", one.__doc__, lambda house, one=one, way=way: one(house, way)
    for one in [*rooms.STORIES, *hostile.STORIES]:
        yield one.__name__, one.__doc__, one


class Report:
    """Counts, and a line for each."""

    def __init__(self):
        self.failed = []
        self.passed = 0

    async def run(self, name, title, work, seconds):
        """One of them."""
        began = time.monotonic()
        try:
            async with visitor.timeout(name, seconds):
                shown = await work
        except (Failed, TimeoutError, OSError, KeyError, TypeError, ValueError, *visitor.ERRORS) as failure:
            self.failed.append(name)
            print(f"FAILED {name}: {title}\n    {type(failure).__name__}: {failure}", flush=True)
        else:
            self.passed += 1
            print(f"ok {name}: {title}\n    {shown} ({time.monotonic() - began:.1f} s)", flush=True)


async def suite(report, start, wanted):
    """All stories in one house; one that fails is followed by a new house on a new server."""
    left = [one for one in stories() if not wanted or one[0] in wanted]
    while left:
        failed = len(report.failed)
        try:
            with start(ACCOUNTS) as (server, folder):
                async with houses.house(server, folder, chat="messages_a_minute_max = 100", grace=2) as house:
                    while left and len(report.failed) == failed:
                        name, title, tell = left.pop(0)
                        await house.begin()
                        await report.run(name, title, tell(house), STORY_SECONDS)
                    if len(report.failed) > failed:
                        print("---- last lines of the daemon ----", machine.tail(house.daemon.log), "----", sep="\n")
        except Failed as failure:
            print(f"FAILED the house does not stand: {failure}", flush=True)
            report.failed.append("house")
            return


async def check(start, wanted, seed):
    """Everything that is wanted, each on a server of its own: a daemon with an empty journal reads what an archive has
    of the last minutes."""
    report = Report()
    if not wanted or "smoke" in wanted:
        with start(ACCOUNTS) as (server, _):
            print(server.version(), flush=True)
            await report.run("smoke", "the server is set up as the suite needs it", smoke.smoke(server), STORY_SECONDS)
    names = {name for name, _, _ in stories()}
    if not wanted or names & set(wanted):
        await suite(report, start, set(wanted) & names)
    if not wanted or "visitors" in wanted:
        with start([houses.ACCOUNT, *visitors.ACCOUNTS]) as (server, folder):
            title = "C01 C03: a hundred visitors at once, by the simulator"
            await report.run("visitors", title, in_a_house(server, folder), 2 * visitors.SECONDS)
    if not wanted or "faults" in wanted:
        with start(faults.ACCOUNTS) as (server, folder):
            title = "P03: nothing is lost and nothing is doubled, whatever fails"
            await report.run("faults", title, faults.fault_test(server, folder, seed), 900)
    if not wanted or "control" in wanted:
        with start(faults.ACCOUNTS) as (server, folder):
            title = "P03 negative control: a daemon that acts before the commit is noticed"
            await report.run("control", title, faults.negative_control(server, folder, seed), 600)
    return report


async def in_a_house(server, folder):
    """The simulator's visitors, in a house of their own."""
    async with houses.house(server, folder) as house:
        return await visitors.a_hundred_at_once(house, folder)


def servers_of(kind):
    """Gives a function that starts such a server with these accounts, in a folder of its own."""

    @contextlib.contextmanager
    def start(accounts):
        with machine.folder(kind) as folder, servers.server(kind, folder, accounts) as server:
            yield server, folder

    return start


def main():
    """Exit 0 when all passed."""
    kind, wanted = sys.argv[1], sys.argv[2:]
    known = {name for name, _, _ in stories()} | {"smoke", "faults", "control", "visitors"}
    if kind not in servers.KINDS or not known.issuperset(wanted):
        raise SystemExit(f"{__doc__}\nStories: {' '.join(sorted(known))}")
    seed = int(os.environ.get("E2E_SEED") or random.SystemRandom().getrandbits(32))
    print(f"seed: E2E_SEED={seed}", flush=True)
    servers.clean_environment()
    visitor.quiet()
    product.binary()
    report = asyncio.run(check(servers_of(kind), wanted, seed))
    print(f"{kind}: {report.passed} passed, {len(report.failed)} failed {' '.join(report.failed)}")
    raise SystemExit(1 if report.failed else 0)


main()
