// Opens the GraphiQL page in a headless Chromium, runs the query of a tab and looks at the answer.
//
//   node e2e/graphiql.mjs --url 'http://127.0.0.1:8080/?code=ONCE' --expect TEXT
//        [--tab LastAttacks] [--screenshot out.png] [--timeout SECONDS]
//
// Fails when the page asks another origin for anything, breaks its content security policy, throws, keeps the
// one-time code in its URL, is not signed in after a link with a code, or shows no TEXT in the result pane.
// The browser is CHROMIUM, else /usr/bin/chromium. Exit status 0 passed, 1 failed, 2 wrong usage.
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { url, expect, tab, screenshot, timeout } = options();
const origin = new URL(url).origin;
const problems = [];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
try {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  context.setDefaultTimeout(timeout);
  const page = await context.newPage();
  await watch(context, page);
  try {
    await run(page);
  } catch (error) {
    problems.push(error.message);
  }
  if (screenshot) {
    await page.screenshot({ path: screenshot }).catch((error) => problems.push(`screenshot: ${error.message}`));
  }
} finally {
  await browser.close();
}

for (const problem of new Set(problems)) {
  console.error(`graphiql: FAIL: ${problem}`);
}
if (problems.length === 0) {
  console.log(`graphiql: ok: ${JSON.stringify(expect)} is in the result${screenshot ? `, see ${screenshot}` : ''}`);
}
process.exitCode = problems.length === 0 ? 0 : 1;

async function run(page) {
  const opened = await step(`open ${origin}`, page.goto(url));
  if (!opened.ok()) {
    throw new Error(`the page answered ${opened.status()}`);
  }
  const execute = page.locator('.graphiql-execute-button');
  await step('wait for the editor', page.locator('.graphiql-query-editor .view-line').first().waitFor());
  if (new URL(page.url()).searchParams.has('code')) {
    throw new Error(`the one-time code is still in the URL`);
  }
  if (new URL(url).searchParams.has('code')) {
    const notice = await page.locator('.bar-notice').textContent();
    await step(`wait for the sign-in by the link${notice && ` (the page says: ${notice})`}`, page.getByRole('button', { name: 'Sign out' }).waitFor());
  }
  if (tab) {
    await step(`choose the tab ${tab}`, page.locator('.graphiql-tabs').getByRole('button', { name: tab, exact: true }).click());
    await step(`wait for the query ${tab}`, page.waitForFunction((name) => model('operation.graphql').includes(name), tab));
  }
  await step('press Execute', execute.click());
  try {
    await page.waitForFunction((text) => model('response.json').includes(text), expect);
  } catch {
    const result = await page.evaluate(() => model('response.json'));
    throw new Error(`no ${JSON.stringify(expect)} in the result within ${timeout / 1000} s; it is: ${result.slice(0, 1500) || 'empty'}`);
  }
}

async function step(what, promise) {
  try {
    return await promise;
  } catch (error) {
    throw new Error(`${what}: ${error.message.split('\n')[0]}`);
  }
}

// watch collects what must not happen in `problems`.
async function watch(context, page) {
  const foreign = (address) => /^(https?|wss?):/.test(address) && new URL(address).host !== new URL(origin).host;
  await context.route(
    (address) => foreign(address.href),
    (route) => route.abort(),
  );
  context.on('request', (request) => foreign(request.url()) && problems.push(`request to another origin: ${request.url()}`));
  page.on('websocket', (socket) => foreign(socket.url()) && problems.push(`WebSocket to another origin: ${socket.url()}`));
  page.on('pageerror', (error) => problems.push(`uncaught in the page: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    // Monaco goes on in the main thread, slowly, when a worker does not start.
    if (/Content Security Policy|Refused to|web worker/i.test(text)) {
      problems.push(`console: ${text}`);
    } else if (message.type() === 'error') {
      console.error(`graphiql: console: ${text} ${message.location().url}`);
    }
  });
  await page.exposeFunction('reportViolation', (text) => problems.push(`content security policy: ${text}`));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      globalThis.reportViolation(`${event.effectiveDirective} forbids ${event.blockedURI} (${event.sourceFile}:${event.lineNumber})`);
    });
    // The text of one of GraphiQL's editors. The page shows only the lines in sight, the model holds all.
    globalThis.model = (name) =>
      globalThis.__MONACO?.editor
        .getModels()
        .find((candidate) => candidate.uri.path.endsWith(name))
        ?.getValue() ?? '';
  });
}

function options() {
  const usage = "usage: node graphiql.mjs --url URL --expect TEXT [--tab NAME] [--screenshot FILE] [--timeout SECONDS]";
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string' },
        expect: { type: 'string' },
        tab: { type: 'string' },
        screenshot: { type: 'string' },
        timeout: { type: 'string', default: '30' },
      },
    });
    if (!URL.canParse(values.url ?? '') || !values.expect || !(Number(values.timeout) > 0)) {
      throw new Error('--url and --expect are needed, and --timeout is a number of seconds');
    }
    return { ...values, timeout: Number(values.timeout) * 1000 };
  } catch (error) {
    console.error(`graphiql: ${error.message}\n${usage}`);
    process.exit(2);
  }
}
