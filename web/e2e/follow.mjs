// Follows a run to its end with graphql-ws and graphql-sse, as integrations do, and loses the connection in
// the middle of it.
//
//   node e2e/follow.mjs --url http://127.0.0.1:8080 --token TOKEN --execution ID --items COUNT [--timeout SECONDS]
//
// Fails when an item is missed or comes twice, when they come out of order of their events, or when the run does
// not end with SUCCEEDED. Exit status 0 passed, 1 failed.
import { parseArgs } from 'node:util';
import { createClient as createSocketClient } from 'graphql-ws';
import { createClient as createStreamClient } from 'graphql-sse';
import WebSocket from 'ws';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    token: { type: 'string' },
    execution: { type: 'string' },
    items: { type: 'string' },
    timeout: { type: 'string', default: '60' },
  },
});
const items = Number(values.items);
const authorization = `Bearer ${values.token}`;
const query = `subscription Follow($id: ID!, $after: String) {
  executionEvents(executionId: $id, after: $after) { cursor status progress { done total } items { item outcome } completed }
}`;

const late = setTimeout(() => {
  console.error('follow: FAIL: the run does not end');
  process.exit(1);
}, Number(values.timeout) * 1000);

const problems = (await Promise.all([follow('graphql-ws', sockets), follow('graphql-sse', streams)])).flat();
clearTimeout(late);
for (const problem of problems) {
  console.error(`follow: FAIL: ${problem}`);
}
if (problems.length === 0) {
  console.log(`follow: ok: ${items} items, each once, by both`);
}
process.exit(problems.length === 0 ? 0 : 1);

// follow collects events, and connects anew behind the last cursor each time the connection is lost: twice by its
// own hand.
async function follow(name, connect) {
  const seen = new Set();
  const problems = [];
  let after = '';
  let last;
  for (let connection = 0; !last?.completed; connection++) {
    const drop = connection < 2 ? (items * (connection + 1)) / 3 : Infinity;
    for await (const { data, errors } of connect({ query, variables: { id: values.execution, after } })) {
      if (errors) {
        return [`${name}: ${JSON.stringify(errors)}`];
      }
      last = data.executionEvents;
      after = last.cursor;
      for (const { item } of last.items) {
        if (seen.has(item)) {
          problems.push(`${name}: item ${item} came twice`);
        }
        seen.add(item);
      }
      if (seen.size >= drop) {
        break;
      }
    }
  }
  if (last.status !== 'SUCCEEDED') {
    problems.push(`${name}: it ended as ${last.status}`);
  }
  if (seen.size !== items) {
    problems.push(`${name}: ${seen.size} of ${items} items came`);
  }
  return problems;
}

// sockets loses its socket with the end of the loop over it.
async function* sockets(operation) {
  let socket;
  const client = createSocketClient({
    url: `${values.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: authorization },
    retryAttempts: 0,
    on: { connected: (opened) => (socket = opened) },
  });
  try {
    yield* client.iterate(operation);
  } finally {
    socket?.terminate(); // without a closing handshake
    await client.dispose();
  }
}

async function* streams(operation) {
  const client = createStreamClient({ url: `${values.url}/graphql/stream`, headers: { Authorization: authorization }, retryAttempts: 0 });
  try {
    yield* client.iterate(operation);
  } finally {
    client.dispose();
  }
}
