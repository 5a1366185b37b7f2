import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { useCallback, useMemo, useState } from 'react';
import { exampleTabs } from './examples.js';
import { createFetcher } from './fetcher.js';
import { forgetSession, keepSession, signOutAtProvider } from './session.js';
import { TopBar } from './TopBar.jsx';

// One array for the life of the page: GraphiQL closes the open side pane when it changes.
const plugins = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];

/** The whole page. `start` is what startSession found: a session or none, a notice for the user, and where to sign in. */
export function App({ start }) {
  const [session, setSession] = useState(start.session);
  const [notice, setNotice] = useState(start.notice);

  const signIn = useCallback((next) => {
    keepSession(next);
    setSession(next);
    setNotice('');
  }, []);

  const signOut = useCallback((why = '') => {
    forgetSession();
    setSession(null);
    setNotice(why);
  }, []);

  // The button of the bar. A session with the provider ends there too; one that lay below a pasted token comes back.
  const leave = useCallback(() => {
    if (session?.token) {
      signOut();
      if (start.loginUrl) {
        location.reload();
      }
    } else {
      signOutAtProvider().catch((error) => setNotice(error.message));
    }
  }, [session, signOut, start]);

  const token = session?.token;
  // GraphiQL introspects again whenever the fetcher changes, which is what a sign-in needs.
  const fetcher = useMemo(
    () =>
      createFetcher({
        token,
        onRefused: () => session && signOut('Your sign-in has ended or was revoked. Sign in again.'),
      }),
    [token, session, signOut],
  );

  return (
    <>
      <TopBar
        session={session}
        notice={notice}
        loginUrl={start.loginUrl}
        onSignIn={signIn}
        onSignOut={leave}
        onNotice={setNotice}
      />
      <main className="page-main">
        <GraphiQL
          fetcher={fetcher}
          plugins={plugins}
          defaultTabs={exampleTabs}
          defaultEditorToolsVisibility={false}
          // Requests get their token from the session; a header typed by hand must not reach localStorage.
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
          inputValueDeprecation
          schemaDescription
        >
          <GraphiQL.Logo>
            <span className="page-logo">GraphiQL</span>
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}
