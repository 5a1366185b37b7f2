// Signs in with Keycloak in a headless Chromium, asks as that person, and signs out.
//
//   node e2e/keycloak.mjs --url http://127.0.0.1:8080/ --issuer http://127.0.0.1:8180/realms/ViolentUTF
//        --username alice --password PASSWORD [--screenshot out.png] [--timeout SECONDS]
//
// Fails when the page's Sign in does not lead to the provider's form, GraphiQL does not answer as the person, the
// session's cookie can be read by a script or is accepted after Sign out, or Keycloak signs in again without a form.
// The browser is CHROMIUM, else /usr/bin/chromium. Exit status 0 passed, 1 failed, 2 wrong usage.
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { url, issuer, username, password, screenshot, timeout } = options();
const { origin } = new URL(url);
const sessionCookie = 'violentutf';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
let page;
try {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  context.setDefaultTimeout(timeout);
  page = await context.newPage();
  await run(context);
  console.log(`keycloak: ok: ${username} signed in, asked and signed out`);
} catch (error) {
  console.error(`keycloak: FAIL: ${error.message} (at ${page?.url()})`);
  process.exitCode = 1;
} finally {
  if (screenshot) {
    await page?.screenshot({ path: screenshot }).catch(() => {});
  }
  await browser.close();
}

async function run(context) {
  await step('open the page', page.goto(url));
  await signIn();
  await step('choose the tab WhoAmI', page.locator('.graphiql-tabs').getByRole('button', { name: 'WhoAmI', exact: true }).click());
  await step('wait for its query', page.waitForFunction(() => model('operation.graphql').includes('WhoAmI')));
  await step('press Execute', page.locator('.graphiql-execute-button').click());
  await step('wait for the answer', page.waitForFunction((name) => model('response.json').includes(`"username": "${name}"`), username));

  const cookie = (await context.cookies(origin)).find(({ name }) => name === sessionCookie);
  if (!cookie?.httpOnly || cookie.sameSite !== 'Lax') {
    throw new Error(`the session's cookie is ${JSON.stringify(cookie)}`);
  }
  if (await page.evaluate(() => document.cookie.includes('violentutf') || JSON.stringify({ ...sessionStorage, ...localStorage }).includes('eyJ'))) {
    throw new Error('a script can read the cookie or a token');
  }
  if ((await replay(cookie.value)) !== 200) {
    throw new Error('the cookie is not accepted while signed in');
  }

  await step('press Sign out', page.getByRole('button', { name: 'Sign out' }).click());
  await step('wait until nobody is signed in', page.getByRole('button', { name: 'Sign in', exact: true }).waitFor());
  if ((await context.cookies(origin)).some(({ name }) => name === sessionCookie)) {
    throw new Error('the cookie is still there after Sign out');
  }
  const status = await replay(cookie.value);
  if (status !== 401) {
    throw new Error(`the old cookie, replayed, is answered ${status}`);
  }
  // Keycloak would lead back at once if its own session were still there.
  await signIn();
}

// signIn goes from the page to the provider's form and back.
async function signIn() {
  await step('press Sign in', page.getByRole('button', { name: 'Sign in', exact: true }).click());
  await step("wait for the provider's form", page.locator('#username').waitFor());
  if (!page.url().startsWith(issuer)) {
    throw new Error('the form is not that of the provider');
  }
  await page.locator('#username').fill(username);
  await page.locator('#password').fill(password);
  await step('send the form', page.locator('#kc-login').click());
  await step('come back signed in', page.locator('.bar-session strong', { hasText: username }).waitFor());
  await page.evaluate(() => {
    globalThis.model = (name) =>
      globalThis.__MONACO?.editor
        .getModels()
        .find((candidate) => candidate.uri.path.endsWith(name))
        ?.getValue() ?? '';
  });
}

// replay asks with the cookie from outside of the browser, as a thief would.
async function replay(value) {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: origin, Cookie: `${sessionCookie}=${value}` },
    body: JSON.stringify({ query: '{ viewer { username } }' }),
  });
  return response.status;
}

async function step(what, promise) {
  try {
    return await promise;
  } catch (error) {
    throw new Error(`${what}: ${error.message.split('\n')[0]}`);
  }
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string' },
        issuer: { type: 'string' },
        username: { type: 'string' },
        password: { type: 'string' },
        screenshot: { type: 'string' },
        timeout: { type: 'string', default: '60' },
      },
    });
    if (!URL.canParse(values.url ?? '') || !values.issuer || !values.username || !values.password || !(Number(values.timeout) > 0)) {
      throw new Error('--url, --issuer, --username and --password are needed, and --timeout is a number of seconds');
    }
    return { ...values, timeout: Number(values.timeout) * 1000 };
  } catch (error) {
    console.error(`keycloak: ${error.message}`);
    process.exit(2);
  }
}
