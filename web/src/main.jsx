import './workers.js';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import '@graphiql/plugin-explorer/style.css';
import 'graphiql/graphiql.css';
import '@graphiql/react/font/roboto.css';
import '@graphiql/react/font/fira-code.css';
import './page.css';

import { createRoot } from 'react-dom/client';
import { App } from './App.jsx';
import { startSession } from './session.js';

// Before the first render, so that the first introspection already carries the token.
const start = await startSession();
createRoot(document.getElementById('root')).render(<App start={start} />);
