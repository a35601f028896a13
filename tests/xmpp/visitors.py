"""`schakel simulate visitors`: a hundred programs that we did write, at once, against the daemon."""

import asyncio
import json

import machine
import product
import servers
from house import PERMITS, QUEUE_OF_COMPONENT, SUPPORT
from machine import Failed

# As many as come at once, and the accounts that they have.
COUNT = 100
ACCOUNTS = [f"user{number}" for number in range(1, COUNT + 1)]

# The whole run, on a busy machine and with a debug build.
SECONDS = 300

SCRIPT = """
# What one of a hundred says while all wait.
say good morning, {n} of a hundred has a question
expect any within 120s
repeat 5
  type composing
  say line {i} of {n}
  pause 10ms..200ms
end
disconnect
pause 100ms
reconnect
say {n} is back
leave
"""


async def hundred(house, folder, to, queue, rooms):
    """A hundred visitors: each is heard, whole and in order, and each program says so itself."""
    script, password = folder / "script", folder / "password"
    # Nobody is there to answer: what a visitor hears is that he waits.
    script.write_text(SCRIPT)
    password.write_text(servers.PASSWORD)
    command = [
        product.binary(), "simulate", "visitors", "--server", f"127.0.0.1:{house.server.client_port}",
        "--domain", servers.DOMAIN, "--to", to, "--account", "user", "--password-file", str(password),
        "--count", str(COUNT), "--script", str(script), "--tls-ca-file", str(house.server.ca_file),
        "--over", "2s", "--seed", "1", "--json", *(["--rooms", servers.ROOMS] if rooms else []),
    ]  # fmt: skip
    await house.agent("agent-1", "Jan", queues=(queue,), chats_max=1)
    program = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=product.ENVIRONMENT,
        preexec_fn=machine.die_with_parent,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(program.communicate(), SECONDS)
    if program.returncode != 0:
        raise Failed(f"exit {program.returncode}: {errors.decode()}\n{output.decode()[-4000:]}")
    told = json.loads(output)
    for one in told["visitors"]:
        if one["sent"] != 7 or one["acknowledged"] != one["sent"] or one["received"] < 1:
            raise Failed(f"a visitor's own count is wrong: {one}")
    await heard(house, queue)
    await house.gone("agent-1")
    return f"{COUNT} visitors in {told['milliseconds'] / 1000:.1f} s, {COUNT * 7} messages"


async def heard(house, queue):
    """Each visitor's chat has his seven messages, in his order, once."""
    chats = [chat for chat in await house.chats() if chat["queue"] == queue]
    seen = {}
    for chat in chats:
        rows = [row["text"] for row in await house.messages(chat["id"]) if row["author"]["kind"] == "visitor"]
        if rows and "of a hundred has a question" in rows[0]:
            number = rows[0].split(", ")[1].split(" ")[0]
            seen[number] = rows[1:]
    for number in map(str, range(1, COUNT + 1)):
        expected = [f"line {at} of {number}" for at in range(1, 6)] + [f"{number} is back"]
        if seen.get(number) != expected:
            raise Failed(f"visitor {number}: {seen.get(number)}, expected {expected}")


async def a_hundred_at_once(house, folder):
    """C01 C03: a hundred visitors write to an account, and then invite a queue into a hundred rooms."""
    told = [
        await hundred(house, folder, SUPPORT, "questions", False),
        await hundred(house, folder, PERMITS, QUEUE_OF_COMPONENT, True),
    ]
    return "; in rooms ".join(told)
