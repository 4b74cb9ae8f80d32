// Looks at the page as a person does: node page.mjs ORIGIN KEY SCREENSHOTS CHROMIUM
import assert from "node:assert/strict";
import vm from "node:vm";
import { chromium } from "playwright-core";

const [origin, azureKey, shots, executablePath] = process.argv.slice(2);
const port = new URL(origin).port;
const SECRETS = ["of-the-client", "secret-content", "secret-query", azureKey];

const browser = await chromium.launch({
  executablePath,
  args: [
    // Tests run as root in containers, where Chromium's own sandbox does not start.
    ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
    ...["--disable-background-networking", "--disable-component-update", "--no-proxy-server"],
    "--host-resolver-rules=MAP rebound.example 127.0.0.1",
  ],
});

/** The page in a new browser profile, and what went wrong on it so far. */
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A violation of the Content-Security-Policy is an error here, too.
    if (["error", "warning"].includes(message.type())) wrong.push(message.text());
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) wrong.push(`asked for ${request.url()}`);
  });
  await page.goto(origin);
  await page.locator("#live[data-state=on]").waitFor();
  return { context, page, wrong };
}

/** Asks as a client that holds secrets; the content, or the response where the caller reads it. */
async function ask(content, { path = "/v1/chat/completions", signal } = {}) {
  const headers = { authorization: "Bearer sk-of-the-client", "content-type": "application/json" };
  const body = JSON.stringify(content);
  return fetch(`${origin}${path}?secret-query=1`, { method: "POST", headers, body, signal });
}

const words = (count) => [{ role: "user", content: `secret-content ${"word ".repeat(count)}` }];
const chat = (stream, count = 3) => ({ model: "gpt-4o", stream, messages: words(count) });

const steps = {
  async "a request appears as a row, with what it cost and without its secrets"({ page }) {
    await page.getByText("No requests yet").waitFor();
    await (await ask(chat(false))).text();
    const row = page.locator("tbody tr").first();
    await row.getByText("/v1/chat/completions").waitFor();
    const cells = await row.locator("td").allInnerTexts();
    assert.match(cells[0], /^\d\d:\d\d:\d\d$/);
    assert.deepEqual(cells.slice(1, 4), ["POST /v1/chat/completions", "gpt-4o → demo-gpt-4o", "200"]);
    assert.match(cells[4], /^\d+ ms$/);
    assert.match(cells[6], /^\d+ → \d+$/);
    assert.ok(await page.getByText("No requests yet").isHidden());
  },

  async "a refusal says why"({ page }) {
    await (await ask({ messages: [] }, { path: "/v1/organization/projects" })).text();
    await page.locator("tbody tr").first().getByText("unsupported_on_azure").waitFor();
  },

  async "a stream is seen under way, and its client leaving"({ page }) {
    const client = new AbortController();
    const response = await ask(chat(true, 500), { signal: client.signal });
    await response.body.getReader().read();
    const row = page.locator("tbody tr").first();
    await page.locator("tr.open").getByText("streaming").waitFor();
    const before = await row.locator(".total").innerText();
    await page.waitForFunction((text) => document.querySelector("tr.open .total").textContent !== text, before);
    client.abort();
    await row.getByText("client left").waitFor();
    assert.equal(await page.locator("tr.open").count(), 0);
  },

  async "the charts say what they show"({ page }) {
    await page.getByRole("img", { name: /^3 requests, 1 failed$/ }).waitFor();
    await page.getByRole("img", { name: /^mean time to first byte \d+ ms$/ }).waitFor();
    await page.getByRole("img", { name: /^\d+ tokens in, \d+ tokens out$/ }).waitFor();
    assert.ok((await page.locator("#rate rect").count()) >= 2);
  },

  async "who comes later sees what was"({ page }) {
    const rows = await page.locator("tbody tr").allInnerTexts();
    await page.reload();
    await page.locator("tbody tr").nth(2).waitFor();
    assert.deepEqual(await page.locator("tbody tr").allInnerTexts(), rows);
  },

  async "everything is reached by keyboard, in the order of reading"({ page }) {
    await page.reload();
    const reached = [];
    for (;;) {
      await page.keyboard.press("Tab");
      const name = await page.evaluate(() => {
        const at = document.activeElement;
        if (at === document.body) return null;
        return at.ariaLabel ?? at.labels?.[0]?.textContent ?? (at.id || at.textContent.trim().slice(0, 20));
      });
      if (name === null || reached.length > 20) break;
      reached.push(name);
    }
    assert.deepEqual(reached, [
      "Skip to the requests",
      "sh, bash, zsh",
      "Copy: Through the proxy: every tool of this shell",
      'eval "$(azure-openai',
      "Copy: Through the proxy: one tool",
      "azure-openai-proxy e",
      "Copy: By base URL: no certificate needed",
      "export OPENAI_BASE_U",
      "Download the CA",
      "PAC file",
      "requests",
    ]);
    await page.getByRole("radio", { name: "sh, bash, zsh" }).focus();
    await page.keyboard.press("ArrowRight");
    assert.ok(await page.getByText("env --shell fish").isVisible());
    assert.ok(await page.getByText("eval ").isHidden());
    await page.keyboard.press("ArrowLeft");
    assert.ok(await page.getByText("eval ").isVisible());
  },

  async "the PAC file sends through the proxy what is intercepted, and nothing else"() {
    const file = await (await fetch(`${origin}/proxy.pac`)).text();
    const find = vm.runInNewContext(`${file}; FindProxyForURL`);
    const asked = ["api.openai.com", "API.OpenAI.com", "eu.api.openai.com", "openai.com", "api.openai.com.example"];
    const proxy = `PROXY ${new URL(origin).host}`;
    const ways = asked.map((host) => find(`https://${host}/`, host));
    assert.deepEqual(ways, [proxy, proxy, proxy, "DIRECT", "DIRECT"]);
  },

  async "a snippet is copied whole"({ page, context }) {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: /^Copy: By base URL/ }).first().click();
    await page.getByRole("button", { name: /^Copy: By base URL/ }).first().getByText("Copied").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, `export OPENAI_BASE_URL=${origin}/v1\nexport OPENAI_API_KEY=unused`);
  },

  async "nothing secret and no cookie is on the page"({ page, context }) {
    const everything = await page.content();
    for (const secret of SECRETS) assert.ok(!everything.includes(secret), secret);
    assert.deepEqual(await context.cookies(), []);
    assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
  },

  async "all text stands out from its ground"({ page, context }) {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const faint = await page.evaluate(faintTexts);
      assert.deepEqual(faint, [], colorScheme);
      await page.screenshot({ path: `${shots}/${colorScheme}.png`, fullPage: true });
    }
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: `${shots}/narrow.png`, fullPage: true });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wider <= 0, `the narrow page is ${wider} px too wide`);
    assert.deepEqual(await context.pages(), [page]);
  },

  async "who wants no motion sees none"({ page }) {
    await (await ask(chat(false))).text();
    await page.locator("tr.fresh").first().waitFor();
    const moving = await page.evaluate(() => document.getAnimations().length);
    assert.equal(moving, 0);
  },
};

/** Runs in the page: texts whose contrast is below what WCAG 2.2 §1.4.3 asks for. */
function faintTexts() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const [text, behind] = [channels(getComputedStyle(element).color), ground(element)].map(luminance);
    const contrast = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
    if (contrast < 4.5) faint.push(`${element.textContent.trim().slice(0, 20)}: ${contrast.toFixed(2)}`);
  }
  return faint;
}

/** A name that an attacker has point to this machine shows nothing. */
async function rebound() {
  const page = await browser.newPage();
  const response = await page.goto(`http://rebound.example:${port}/`);
  assert.equal(response.status(), 404);
  await page.close();
}

let failed = 0;
const opened = await open();
for (const [name, step] of Object.entries({ ...steps, "a rebound name shows nothing": rebound })) {
  try {
    await step(opened);
    assert.deepEqual(opened.wrong, []);
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack}`);
    opened.wrong.length = 0;
  }
}
await opened.page.screenshot({ path: `${shots}/last.png` });
await browser.close();
process.exit(failed === 0 ? 0 : 1);
