"""A receiver of webhooks that trusts nobody but the published Standard Webhooks library for Python.

Prints `{"port": N}`. Each line on standard input is a secret, which takes the place of the last and is answered with
`{"secrets": N}`; each delivery is a line with what the library said. Started by check_webhooks.py. Plain HTTP on loopback:
what is checked is the signature.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

# Larger than any notification; a batch of 64 is about 100 KB.
BODY_BYTES_MAX = 4 * 1024 * 1024

# The secret to verify with; empty until the first is known.
secret = [""]

# Lines come from two threads.
printing = threading.Lock()


def tell(line):
    """One line of JSON on standard output."""
    with printing:
        print(json.dumps(line), flush=True)


def verifies(body, headers):
    """What the library says: an empty text when it accepts, its reason when it refuses."""
    try:
        Webhook(secret[0]).verify(body, headers)
        return ""
    except WebhookVerificationError as refusal:
        return str(refusal) or "refused"


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what verifies and 400 to what does not."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """One delivery."""
        length = min(int(self.headers.get("Content-Length") or 0), BODY_BYTES_MAX)
        body = self.rfile.read(length)
        if not secret[0]:
            # Before the secret is here nothing can be verified: the sender tries again.
            return self.answer(503)
        headers = dict(self.headers.items())
        reason = verifies(body, headers)
        # The same delivery with one byte more must be refused, or this receiver verifies nothing.
        tampered = verifies(body + b" ", headers)
        tell({"reason": reason, "tamperedReason": tampered, "id": self.headers.get("webhook-id"), "body": json.loads(body)})
        return self.answer(400 if reason else 204)

    def answer(self, status):
        """A reply without a body."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Standard output is for verdicts."""


def main():
    """Serves until standard input is closed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell({"port": server.server_address[1]})
    for count, line in enumerate(sys.stdin, start=1):
        secret[0] = line.strip()
        tell({"secrets": count})
    server.shutdown()


main()
