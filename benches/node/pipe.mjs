// The same pipe as one would write it in Node: CSTA frames in, parsed with saxes, written with better-sqlite3 (WAL,
// synchronous=FULL, one transaction for all that came meanwhile), signed, and posted over kept connections, in order
// for each call.
import Database from 'better-sqlite3'
import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SaxesParser } from 'saxes'

const { values: options } = parseArgs({
  options: {
    from: { type: 'string' }, to: { type: 'string' }, 'ca-file': { type: 'string' },
    batch: { type: 'string', default: '1' }, 'body-bytes': { type: 'string', default: '0' },
    folder: { type: 'string' },
  },
})
const [fromHost, fromPort] = options.from.split(':')
const [toHost, toPort] = options.to.split(':')
const batch = Number(options.batch)
const bodyBytes = Number(options['body-bytes'])
const LANES = 64
const GROUP = 256
const KEY = '0123456789abcdef0123456789abcdef'
const KINDS = {
  DeliveredEvent: 'nl.schakel.call.ringing.v1',
  EstablishedEvent: 'nl.schakel.call.answered.v1',
  ConnectionClearedEvent: 'nl.schakel.call.ended.v1',
}

const database = new Database(join(options.folder, 'node.db'))
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.pragma('wal_autocheckpoint = 16384')
database.exec(`CREATE TABLE inputs (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
               CREATE TABLE outbox (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;`)
const insertInput = database.prepare('INSERT INTO inputs VALUES (?, ?)')
const insertOutbox = database.prepare('INSERT INTO outbox VALUES (?, ?)')
const deleteOutbox = database.prepare('DELETE FROM outbox WHERE seq = ?')
const commit = database.transaction((events, delivered) => {
  for (const event of events) {
    insertInput.run(event.number, event.raw)
    insertOutbox.run(event.number, event.body)
  }
  for (const number of delivered) deleteOutbox.run(number)
})

const client = options['ca-file'] ? https : http
const agent = new client.Agent({ keepAlive: true, maxSockets: LANES })
const ca = options['ca-file'] ? readFileSync(options['ca-file']) : undefined
const lanes = Array.from({ length: LANES }, () => ({ queue: [], busy: false }))
let delivered = []

function deliver(lane) {
  if (lane.busy || lane.queue.length === 0) return
  lane.busy = true
  const items = lane.queue.splice(0, batch)
  const body = Buffer.from(batch > 1 ? `[${items.map((item) => item.body).join(',')}]` : items[0].body)
  const id = `msg_${items[0].number}`
  const timestamp = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', KEY).update(`${id}.${timestamp}.`).update(body).digest('base64')
  const request = client.request({
    host: toHost, port: toPort, servername: 'localhost', path: '/hook', method: 'POST', agent, ca,
    headers: {
      'content-type': batch > 1 ? 'application/cloudevents-batch+json' : 'application/cloudevents+json',
      'content-length': body.length, 'webhook-id': id, 'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
  }, (response) => {
    response.resume()
    response.on('end', () => {
      for (const item of items) delivered.push(item.number)
      schedule()
      lane.busy = false
      deliver(lane)
    })
  })
  request.on('error', (error) => { throw error })
  request.end(body)
}

let waiting = []
let scheduled = false
function schedule() {
  if (scheduled) return
  scheduled = true
  setImmediate(flush)
}

function flush() {
  scheduled = false
  const events = waiting.splice(0, GROUP)
  const done = delivered.splice(0, GROUP)
  if (events.length === 0 && done.length === 0) return
  commit(events, done)
  for (const event of events) {
    const lane = lanes[event.lane]
    lane.queue.push(event)
    deliver(lane)
  }
  if (waiting.length > 0 || delivered.length > 0) schedule()
}

function decode(text) {
  const path = []
  const event = { root: '', call: '', device: '', calling: '', called: '', cause: '' }
  const parser = new SaxesParser({ xmlns: true })
  parser.on('opentag', (tag) => {
    if (path.length === 0) event.root = tag.local
    path.push(tag.local)
  })
  parser.on('closetag', () => path.pop())
  parser.on('text', (value) => {
    const at = path[path.length - 1]
    const above = path[path.length - 2]
    if (at === 'callID' && !event.call) event.call = value
    else if (at === 'deviceID' && !event.device) event.device = value
    else if (above === 'callingDevice') event.calling = value
    else if (above === 'calledDevice') event.called = value
    else if (at === 'cause') event.cause = value
  })
  parser.write(text).close()
  return event
}

function hash(text) {
  let sum = 0
  for (let at = 0; at < text.length; at++) sum = (sum * 31 + text.charCodeAt(at)) >>> 0
  return sum % LANES
}

let number = 0
let rest = Buffer.alloc(0)
const link = net.connect({ host: fromHost, port: Number(fromPort), noDelay: true })
link.on('data', (chunk) => {
  rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
  let at = 0
  while (rest.length - at >= 8) {
    const length = rest.readUInt16BE(at + 2)
    if (rest.length - at < length) break
    const raw = Buffer.from(rest.subarray(at + 8, at + length))
    at += length
    const event = decode(raw.toString('utf8'))
    let body = JSON.stringify({
      specversion: '1.0', id: randomUUID(), source: 'urn:nld:oin:00000000000000000000:systeem:schakel',
      type: KINDS[event.root], datacontenttype: 'application/json', sequence: number,
      data: { call: event.call, device: event.device, calling: event.calling, called: event.called, cause: event.cause },
    })
    if (body.length < bodyBytes) body = body.padEnd(bodyBytes, ' ')
    waiting.push({ number: ++number, lane: hash(event.call), raw, body })
    schedule()
  }
  rest = rest.subarray(at)
})
link.on('close', () => process.exit(0))
