"""A stand-in for JKC: takes webhooks in, verified by the published library, and asks the REST API."""

import asyncio
import contextlib
import http.server
import json
import threading
import uuid

import product
from machine import Failed
from standardwebhooks import Webhook, WebhookVerificationError
from visitor import SOON, timeout

PREFIX = "nl.schakel."
BODY_BYTES_MAX = 4 * 1024 * 1024


class Jkc:
    """What JKC was told, and what it asks. `events` are the CloudEvents, each once, in the order of their arrival."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.events = []
        self.known = set()
        self.doubled = 0
        self.refused = []
        self.news = asyncio.Event()
        self.webhook = None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def handler(self):
        """The class of its request handlers, which know it."""
        jkc = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), BODY_BYTES_MAX))
                status = jkc.take(body, dict(self.headers.items()))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler

    def take(self, body, headers):
        """One delivery, on a thread of the receiver. Gives the status to answer with."""
        if self.webhook is None:
            return 503
        try:
            self.webhook.verify(body, headers)
        except WebhookVerificationError as refusal:
            self.refused.append(str(refusal))
            return 400
        event = json.loads(body)
        self.loop.call_soon_threadsafe(self.told, event)
        return 204

    def told(self, event):
        """On the loop: one event."""
        if event["id"] in self.known:
            # At least once is the promise; the same id says that it is the same.
            self.doubled += 1
            return
        self.known.add(event["id"])
        self.events.append(event)
        self.news.set()

    async def subscribe(self, daemon, kinds=()):
        """To these kinds, or to everything."""
        made = await daemon.must("POST", "/webhooks", {"url": f"http://127.0.0.1:{self.port}/jkc", "kinds": list(kinds)})
        self.webhook = Webhook(made["secret"])

    async def hears(self, kind, fits=lambda _: True, after=0, seconds=SOON):
        """The first event (after so many) of a kind, such as `chat.queued`, that fits."""
        wanted = f"{PREFIX}{kind}.v1"
        async with timeout(f"JKC is told of {kind}", seconds, self.last):
            seen = after
            while True:
                self.news.clear()
                while seen < len(self.events):
                    event = self.events[seen]
                    seen += 1
                    if event["type"] == wanted and fits(event["data"]):
                        return event
                await self.news.wait()

    def last(self):
        """What it was told last."""
        lines = [json.dumps(event)[:500] for event in self.events[-8:]]
        return "\n".join(["JKC was told last:", *lines, *[f"refused: {one}" for one in self.refused[-3:]]])

    def stop(self):
        """Ends the receiver."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Rest:
    """The REST API of a daemon, asked without holding up the loop."""

    def __init__(self, port, token):
        self.daemon = product.Daemon(port, 0, token)

    async def ask(self, method, path, body=None, headers=None):
        """One request; status and body. A command has an Idempotency-Key of its own."""
        headers = headers or ({"Idempotency-Key": str(uuid.uuid4())} if method in ("POST", "PATCH") else {})
        return await asyncio.to_thread(self.daemon.ask, method, path, body, headers)

    async def must(self, method, path, body=None, headers=None):
        """As `ask`; anything but a 2xx fails."""
        status, answer = await self.ask(method, path, body, headers)
        if not 200 <= status < 300:
            raise Failed(f"{method} /v1{path}: {status} {answer}")
        return answer

    async def refused(self, status, method, path, body=None):
        """As `ask`; it must be refused with this status and problem details, which are given."""
        got, answer = await self.ask(method, path, body)
        if got != status or not isinstance(answer, dict) or "type" not in answer:
            raise Failed(f"{method} /v1{path}: {got} {answer}; expected to be refused with {status}")
        return answer

    async def pages(self, path):
        """Every item of a list."""
        items, cursor = [], ""
        while True:
            mark = "&" if "?" in path else "?"
            page = await self.must("GET", f"{path}{mark}after={cursor}" if cursor else path)
            items += page["items"]
            cursor = page.get("next")
            if not cursor:
                return items


@contextlib.asynccontextmanager
async def jkc():
    """A JKC that listens."""
    made = Jkc()
    try:
        yield made
    finally:
        made.stop()
