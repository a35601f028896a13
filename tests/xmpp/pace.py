"""The pace of what is played: people who think before they write, faults that last, polls that look again.

The only place where these checks sleep. A pause is never how one waits for what must happen: `visitor.eventually` and
`visitor.timeout` do that, with a limit and a word for what did not come.
"""

import asyncio

# Between two looks of a poll: well below what a person notices, and little work.
LOOK_AGAIN_SECONDS = 0.05


async def pause(seconds):
    """So much time passes in what is played."""
    await asyncio.sleep(seconds)


async def look_again(seconds=LOOK_AGAIN_SECONDS):
    """Between two looks of a poll that has a limit."""
    await asyncio.sleep(seconds)
