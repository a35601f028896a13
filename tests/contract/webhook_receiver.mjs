// A receiver of webhooks that trusts nobody but the published Standard Webhooks library for JavaScript.
//
// Prints {"port": N}, reads one line with the subscription's secret from standard input, then prints one line for each
// delivery. Started by check_webhooks.py, with the folder of node_modules as its argument. Plain HTTP on loopback:
// what is checked is the signature.

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const { Webhook } = createRequire(`${process.argv[2]}/`)("standardwebhooks");

let secret = "";

/** What the library says: an empty text when it accepts, its reason when it refuses. */
function verifies(body, headers) {
  try {
    new Webhook(secret).verify(body, headers);
    return "";
  } catch (refusal) {
    return String(refusal.message || "refused");
  }
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString("utf8");
  if (secret === "") {
    // Before the secret is here nothing can be verified: the sender tries again.
    response.writeHead(503).end();
    return;
  }
  const reason = verifies(body, request.headers);
  // The same delivery with one byte more must be refused, or this receiver verifies nothing.
  const tamperedReason = verifies(`${body} `, request.headers);
  const verdict = {
    reason,
    tamperedReason,
    id: request.headers["webhook-id"],
    contentType: request.headers["content-type"],
    body: JSON.parse(body),
  };
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
  response.writeHead(reason ? 400 : 204).end();
});

server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
});

const input = createInterface({ input: process.stdin });
input.once("line", (line) => {
  secret = line.trim();
});
input.once("close", () => process.exit(0));
