// A session is { token, username, expiresAt }: expiresAt is RFC 3339, or null when the token names no end.
// It lives in sessionStorage: gone with the tab, and never in a URL. A session with the identity provider has no
// token: the server keeps it, and the browser sends a cookie that no script can read.
const storageKey = 'violentutf.session';

/**
 * Says who is signed in when the page opens: by the one-time code of the link, else by what this tab kept, else by
 * the session with the identity provider. Answers { session, notice, loginUrl }, the last one empty without such a
 * provider; it never throws, because a page without a session is still of use.
 */
export async function startSession() {
  const [own, { session, loginUrl }] = await Promise.all([ownSession(), serverSession()]);
  return { ...own, session: own.session ?? session, loginUrl };
}

async function ownSession() {
  const code = takeCodeFromURL();
  if (code) {
    try {
      const session = await redeemCode(code);
      keepSession(session);
      return { session, notice: '' };
    } catch (error) {
      // A reload of the link or going back meets a used code; whoever is signed in stays so.
      const kept = readSession();
      return { session: kept, notice: kept ? '' : error.message };
    }
  }
  const kept = readSession();
  if (kept?.expiresAt && Date.parse(kept.expiresAt) <= Date.now()) {
    forgetSession();
    return { session: null, notice: 'Your token has expired. Sign in again.' };
  }
  return { session: kept, notice: '' };
}

// serverSession asks whose cookie this is.
async function serverSession() {
  try {
    const response = await fetch('/auth/session', { headers: { Accept: 'application/json' } });
    const answer = response.ok ? await response.json() : {};
    const session = answer.username ? { token: '', username: answer.username, expiresAt: answer.expiresAt ?? null } : null;
    return { session, loginUrl: answer.loginUrl ?? '' };
  } catch {
    return { session: null, loginUrl: '' };
  }
}

/** Leaves the page for the identity provider, which leads back to it. */
export function signInAtProvider(loginUrl) {
  location.assign(`${loginUrl}?return=${encodeURIComponent(location.pathname)}`);
}

/**
 * Ends the session with the identity provider, here and there, and leaves the page. Throws an Error with a sentence
 * for the user.
 */
export async function signOutAtProvider() {
  const response = await request('/auth/logout', {});
  const answer = await response.json().catch(() => null);
  if (!response.ok || !answer?.location) {
    throw new Error(`Signing out failed: the server answered ${response.status}. Try again.`);
  }
  location.assign(answer.location);
}

/** Remembers the session for this tab. */
export function keepSession(session) {
  sessionStorage.setItem(storageKey, JSON.stringify(session));
}

/** Forgets the token of this tab. */
export function forgetSession() {
  sessionStorage.removeItem(storageKey);
}

/**
 * Asks the server whose token this is. Throws an Error with a sentence for the user when it is not accepted.
 */
export async function sessionOfToken(pasted) {
  const token = pasted.trim().replace(/^bearer\s+/i, '');
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new Error('That is not a token: paste one line without spaces.');
  }
  const response = await request('/graphql', { query: 'query SignIn { viewer { username } }' }, token);
  const answer = await response.json().catch(() => null);
  const username = answer?.data?.viewer?.username;
  if (!response.ok || !username) {
    throw new Error('The server did not accept this token. It may have expired, or belong to another server.');
  }
  return { token, username, expiresAt: endOf(token) };
}

/** The users that a server in dev mode offers for one-click sign-in: [{ username, role }], else none. */
export async function devUsers() {
  try {
    const response = await fetch('/auth/dev', { headers: { Accept: 'application/json' } });
    const answer = response.ok ? await response.json() : null;
    return answer?.dev ? (answer.users ?? []) : [];
  } catch {
    return [];
  }
}

/** Signs in as one of devUsers. Throws an Error with a sentence for the user. */
export async function signInAsDevUser({ username, role }) {
  return sessionFrom(await request('/auth/dev', { username, role }));
}

async function redeemCode(code) {
  return sessionFrom(await request('/auth/exchange', { code }));
}

// takeCodeFromURL also removes the code at once, so that it stays neither in the history nor in a bookmark.
function takeCodeFromURL() {
  const url = new URL(location.href);
  const code = url.searchParams.get('code');
  if (code === null) {
    return '';
  }
  url.searchParams.delete('code');
  history.replaceState(history.state, '', url.pathname + url.search + url.hash);
  return code;
}

function readSession() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(storageKey));
    return kept?.token && kept?.username ? kept : null;
  } catch {
    return null;
  }
}

async function request(path, body, token) {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
  if (token) {
    headers.Authorization = `Bearer ${token}`;
  }
  try {
    return await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  } catch {
    throw new Error('The server did not answer. Is it still running?');
  }
}

async function sessionFrom(response) {
  const answer = await response.json().catch(() => null);
  if (response.ok && answer?.token) {
    return { token: answer.token, username: answer.username, expiresAt: answer.expiresAt ?? null };
  }
  if (response.status === 401) {
    throw new Error('This sign-in link was used before or has expired. Sign in below, or print a new link.');
  }
  throw new Error(`Signing in failed: ${answer?.error ?? `the server answered ${response.status}`}.`);
}

// endOf reads the end of a JWT (RFC 7519, "exp"), for display only: the server alone decides. An API key has none.
function endOf(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const { exp } = JSON.parse(atob(payload));
    return Number.isFinite(exp) ? new Date(exp * 1000).toISOString() : null;
  } catch {
    return null;
  }
}
