// The example queries, in the order of their file names. Go reads the same files (web.Examples) and
// runs each against the server, so an example cannot rot.
const files = import.meta.glob('./examples/*.graphql', { query: '?raw', import: 'default', eager: true });

/** The tabs of a first visit; GraphiQL prefers the tabs that it saved, when there are any. */
export const exampleTabs = Object.keys(files)
  .sort()
  .map((path) => ({ query: files[path] }));
