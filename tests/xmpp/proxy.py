"""A TCP proxy between the daemon and an XMPP server that breaks connections in the ways in which networks do."""

import asyncio
import contextlib
import socket
import struct

import pace

CHUNK = 65536


class Proxy:
    """Passes everything on, until it is told not to. `port` is where it listens."""

    def __init__(self, target):
        self.target = target
        self.port = 0
        self.listener = None
        self.tasks = set()
        # Both ends of each connection that is alive: (towards the daemon, towards the server).
        self.pairs = set()
        # Clear: nothing passes, and nobody is told so.
        self.open = asyncio.Event()
        self.open.set()
        self.refusing = False
        # Seconds before each piece is passed on.
        self.delay = 0.0
        self.connections = 0

    async def start(self):
        """Listens on a free port."""
        self.listener = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]
        return self

    async def accept(self, reader, writer):
        """One connection."""
        if self.refusing:
            return reset(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            # The server is down: the daemon is refused, as it would be without us.
            return reset(writer)
        self.connections += 1
        pair = (writer, far_writer)
        for one in pair:
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pairs.add(pair)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.ensure_future(self.pump(source, sink, pair))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def pump(self, source, sink, pair):
        """One direction, until it ends."""
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if self.delay:
                    await pace.pause(self.delay)
                await self.open.wait()
                if pair not in self.pairs:
                    # It was cut or forgotten meanwhile: what was read on its way is lost, as on a wire.
                    return
                sink.write(data)
                await sink.drain()
        if pair in self.pairs:
            self.pairs.discard(pair)
            for one in pair:
                with contextlib.suppress(OSError):
                    one.close()

    def cut(self):
        """Resets every connection, at both ends."""
        for pair in self.taken():
            for one in pair:
                reset(one)

    def half_open(self):
        """Resets the daemon's ends; the server believes that they still stand. Gives the ends that are left."""
        left = []
        for near, far in self.taken():
            reset(near)
            left.append(far)
        return left

    def hole(self):
        """From now on nothing passes, and nobody is told; what is under way waits."""
        self.open.clear()

    def heal(self, lost=False):
        """The end of a hole: what was under way goes on, or (`lost`) its connections are reset, as a firewall that has
        forgotten them does."""
        if lost:
            self.cut()
        self.open.set()

    def refuse(self, refusing=True):
        """New connections are refused."""
        self.refusing = refusing

    def taken(self):
        """The pairs, which are forgotten here."""
        pairs, self.pairs = self.pairs, set()
        return pairs

    async def stop(self):
        """Ends everything."""
        self.listener.close()
        self.cut()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def reset(writer):
    """Closes with RST instead of FIN."""
    with contextlib.suppress(OSError):
        taken = writer.get_extra_info("socket")
        if taken is not None:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def proxy(target):
    """A proxy before a port of this machine."""
    made = await Proxy(target).start()
    try:
        yield made
    finally:
        await made.stop()
