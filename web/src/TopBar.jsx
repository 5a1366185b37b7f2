import { useEffect, useState } from 'react';
import { devUsers, sessionOfToken, signInAsDevUser, signInAtProvider } from './session.js';

/** The line above GraphiQL: who is signed in, or how to sign in, and what went wrong last. */
export function TopBar({ session, notice, loginUrl, onSignIn, onSignOut, onNotice }) {
  return (
    <header className="bar">
      <h1 className="bar-title">ViolentUTF Graph</h1>
      {session ? (
        <div className="bar-session">
          <span role="status">
            <strong>{session.username}</strong>
            {session.expiresAt ? ` · signed in until ${clock(session.expiresAt)}` : ' · signed in'}
          </span>
          <button type="button" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      ) : (
        <SignIn loginUrl={loginUrl} onSignIn={onSignIn} onNotice={onNotice} />
      )}
      {/* Always there, because screen readers announce only changes inside a live region that exists. */}
      <p role="alert" className="bar-notice">
        {notice}
      </p>
    </header>
  );
}

function SignIn({ loginUrl, onSignIn, onNotice }) {
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [users, setUsers] = useState([]);

  useEffect(() => {
    let gone = false;
    devUsers().then((found) => gone || setUsers(found));
    return () => {
      gone = true;
    };
  }, []);

  async function attempt(signIn) {
    setBusy(true);
    onNotice('');
    try {
      onSignIn(await signIn());
    } catch (error) {
      setBusy(false);
      onNotice(error.message);
    }
  }

  function submit(event) {
    event.preventDefault();
    attempt(() => sessionOfToken(token));
  }

  return (
    <div className="bar-session">
      {loginUrl && (
        <button type="button" className="bar-primary" disabled={busy} onClick={() => signInAtProvider(loginUrl)}>
          Sign in
        </button>
      )}
      {users.map((user) => (
        <button
          key={`${user.username} ${user.role}`}
          type="button"
          className="bar-primary"
          disabled={busy}
          onClick={() => attempt(() => signInAsDevUser(user))}
        >
          Sign in as {user.username}
          {user.role && user.role !== 'user' ? ` (${user.role})` : ''}
        </button>
      ))}
      <form className="bar-form" onSubmit={submit}>
        <label htmlFor="bar-token">Token</label>
        <input
          id="bar-token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          placeholder="paste a token"
          aria-describedby="bar-hint"
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        <button type="submit" disabled={busy}>
          {loginUrl ? 'Use token' : 'Sign in'}
        </button>
      </form>
      <span id="bar-hint" className="bar-hint">
        {loginUrl ? (
          'An access token or an API key'
        ) : (
          <>
            Get one with <code>violentutf token --user NAME</code>
          </>
        )}
      </span>
    </div>
  );
}

// clock is hh:mm today, and the date with it on any other day.
function clock(rfc3339) {
  const end = new Date(rfc3339);
  const time = { hour: '2-digit', minute: '2-digit' };
  return end.toDateString() === new Date().toDateString()
    ? end.toLocaleTimeString([], time)
    : end.toLocaleString([], { ...time, month: 'short', day: 'numeric' });
}
