import { Kind, parse } from 'graphql';
import { createClient } from 'graphql-ws';

// How graphql-transport-ws says that connection_init was refused.
const refusedCloseCodes = [4401, 4403];

/**
 * The function by which GraphiQL reaches /graphql: queries and mutations by POST, subscriptions by
 * graphql-transport-ws, both as the owner of `token`; without one as the owner of the session's cookie, if there is
 * one. `onRefused` is called when the server does not accept either any more. Every answer is an observable, so that Stop ends the request.
 */
export function createFetcher({ token, onRefused }) {
  const authorization = token ? { Authorization: `Bearer ${token}` } : {};
  const socket = createClient({
    url: () => location.origin.replace(/^http/, 'ws') + '/graphql',
    connectionParams: authorization,
    // A silent retry would begin the stream anew in the result pane; a user wants to see that it broke.
    retryAttempts: 0,
  });

  return (given, { headers } = {}) => {
    const operation = chosenOperation(given);
    const params = operation ? { ...given, operationName: operation.name?.value } : given;
    return operation?.operation === 'subscription'
      ? subscription(socket, params, onRefused)
      : posted(params, { ...authorization, ...headers }, onRefused);
  };
}

// chosenOperation reads the query itself, because the operation name and the document that GraphiQL hands over
// are still those of the tab before for a moment after a change of tabs. Undefined leaves it to the server.
function chosenOperation({ query, operationName }) {
  try {
    const operations = parse(query).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    return operations.length === 1 ? operations[0] : operations.find(({ name }) => name?.value === operationName);
  } catch {
    return undefined;
  }
}

function posted(params, headers, refused) {
  return {
    subscribe(sink) {
      // Errors reach the sink as { message }: GraphiQL would print the stack of an Error as well.
      const stop = new AbortController();
      post(params, headers, refused, stop.signal).then(
        (answer) => {
          sink.next(answer);
          sink.complete();
        },
        (error) => stop.signal.aborted || sink.error({ message: error.message }),
      );
      return { unsubscribe: () => stop.abort() };
    },
  };
}

async function post(params, headers, refused, signal) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json, application/json;q=0.9',
      ...headers,
    },
    body: JSON.stringify(params),
    signal,
  });
  if (response.status === 401) {
    refused();
  }
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`The server answered ${response.status} ${response.statusText}: ${text.slice(0, 500)}`);
  }
}

function subscription(socket, params, refused) {
  return {
    subscribe(sink) {
      const unsubscribe = socket.subscribe(params, {
        next: (value) => sink.next(value),
        complete: () => sink.complete(),
        error(error) {
          if (refusedCloseCodes.includes(error?.code)) {
            refused();
          }
          if (Array.isArray(error)) {
            sink.error(error); // GraphQL errors
          } else if (error instanceof CloseEvent) {
            sink.error({ message: `The connection was closed: ${error.code} ${error.reason}`.trim() });
          } else {
            sink.error({ message: error?.message ?? 'The connection failed.' });
          }
        },
      });
      return { unsubscribe };
    },
  };
}
