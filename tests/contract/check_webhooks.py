"""Real deliveries of real calls, verified by the published Standard Webhooks libraries of Python and JavaScript.

Arguments: the folder of node_modules (or nothing, for Python alone). Run with the Python that has `standardwebhooks`.
"""

import contextlib
import json
import pathlib
import subprocess
import sys

import product
from product import Failed

HERE = pathlib.Path(__file__).parent

# A ringing call is told within a second; a delivery that came before the secret is retried for some seconds.
DELIVERY_SECONDS = 30

CALLER = "0612345678"


class Receiver:
    """A receiver in a process of its own, and its subscription."""

    def __init__(self, name, process):
        self.name = name
        self.process = process
        self.lines = product.Lines(process)
        self.port = self.lines.next(f"{name} receiver", product.START_SECONDS)["port"]
        self.id = ""
        self.verified = 0

    def subscribe(self, daemon):
        """Subscribes to everything. The secret is shown this once."""
        made = daemon.must("POST", "/webhooks", {"url": f"http://127.0.0.1:{self.port}/jkc", "kinds": []})
        self.id = made["id"]
        self.take(made["secret"])

    def take(self, secret):
        """Verifies with this secret from now on."""
        if not secret.startswith("whsec_"):
            raise Failed("a secret does not begin with whsec_")
        self.process.stdin.write(f"{secret}\n".encode())
        self.process.stdin.flush()
        while "secrets" not in (line := self.lines.next(f"{self.name}: taking a secret", DELIVERY_SECONDS)):
            self.judge(line)

    def judge(self, verdict):
        """Fails unless the library accepts the delivery, refuses it when it is changed, and it is a CloudEvent."""
        event = verdict["body"]
        if verdict["reason"]:
            raise Failed(f"{self.name}: the library refuses {verdict['id']}: {verdict['reason']}")
        if not verdict["tamperedReason"]:
            raise Failed(f"{self.name}: the library accepts a body that was changed: this check sees nothing")
        if event.get("specversion") != "1.0" or event.get("id") != verdict["id"]:
            raise Failed(f"{self.name}: not a CloudEvent whose id is webhook-id: {json.dumps(event)[:300]}")
        attributes = {key: value for key, value in event.items() if key != "data"}
        if CALLER in json.dumps(attributes):
            raise Failed(f"{self.name}: a telephone number in the attributes of {event['type']}")
        self.verified += 1
        return event["type"]

    def ringing(self):
        """Reads deliveries until one tells of a ringing call; all of them must verify."""
        seen = []
        while not (seen and seen[-1].endswith(".call.ringing.v1")):
            verdict = self.lines.next(f"{self.name}: delivery of the ringing call (so far {seen})", DELIVERY_SECONDS)
            seen.append(self.judge(verdict))


@contextlib.contextmanager
def receiver(name, arguments):
    """Starts a receiver and ends it."""
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield Receiver(name, process)
    finally:
        process.stdin.close()
        process.terminate()
        process.wait(product.STOP_SECONDS)


def ring(pbx, device, receivers):
    """Lets the outside world call a device, and waits until every receiver was told and verified it."""
    pbx.ring(CALLER, device)
    for one in receivers:
        one.ringing()


def check():
    """Three calls: with the first secret; with it while it is replaced; with the one that took its place."""
    arguments = {"Python": [sys.executable, str(HERE / "webhook_receiver.py")]}
    if len(sys.argv) > 1:
        arguments["JavaScript"] = ["node", str(HERE / "webhook_receiver.mjs"), sys.argv[1]]
    with contextlib.ExitStack() as stack:
        receivers = [stack.enter_context(receiver(*one)) for one in arguments.items()]
        pbx = stack.enter_context(product.simulator())
        daemon = stack.enter_context(product.daemon(pbx))
        for one in receivers:
            one.subscribe(daemon)
        ring(pbx, product.DEVICES[0], receivers)
        new = {one.id: daemon.must("POST", f"/webhooks/{one.id}/rotate-secret")["secret"] for one in receivers}
        ring(pbx, product.DEVICES[1], receivers)
        for one in receivers:
            one.take(new[one.id])
        ring(pbx, product.DEVICES[2], receivers)
    counts = ", ".join(f"{one.verified} by the library for {one.name}" for one in receivers)
    return f"deliveries verified, before and while and after a secret is replaced: {counts}; changed bodies refused"


product.main(check)
