// judge.cjs URL BROWSER: exits with 1 when axe finds something, or a page breaks its Content-Security-Policy.
const { chromium } = require("playwright-core");
const axe = require("axe-core");

const [url, executablePath] = process.argv.slice(2);
const args = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
let findings = 0;
let looked = 0;

const found = (where, what) => {
  findings += 1;
  console.log(`axe: ${where}: ${what}`);
};

async function pages(context) {
  const trust = await (await context.request.get(`${url}/trust.json`)).json();
  const attacked = trust.promises.find((one) => one.leaf !== null);
  const bare = trust.promises.find((one) => one.leaf === null);
  const paths = ["/trust", "/trust/changes"];
  if (attacked) paths.push(`/trust/promises/${attacked.id}`, `/trust/observations/${attacked.leaf}`);
  if (bare) paths.push(`/trust/promises/${bare.id}`);
  return paths;
}

async function judge(context, path, name) {
  const page = await context.newPage();
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) found(`${path} ${name}`, message.text());
  });
  page.on("pageerror", (error) => found(`${path} ${name}`, error.message));
  const answer = await page.goto(url + path, { waitUntil: "load" });
  if (answer.status() !== 200) found(`${path} ${name}`, `answered ${answer.status()}`);
  await page.locator("details").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (overflow > 0) found(`${path} ${name}`, `is ${overflow} px wider than the window`);
  const styled = await page.evaluate(() => document.querySelectorAll("[style], style, script").length);
  if (styled > 0) found(`${path} ${name}`, `${styled} inline styles or scripts`);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values } }), tags);
  for (const one of violations) {
    found(`${path} ${name}`, `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`);
  }
  looked += 1;
  await page.close();
}

(async () => {
  const root = process.getuid && process.getuid() === 0;
  const browser = await chromium.launch({ executablePath, args: root ? [...args, "--no-sandbox"] : args });
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, ignoreHTTPSErrors: true });
      for (const path of await pages(context)) await judge(context, path, `(${colorScheme}, ${width} px)`);
      await context.close();
    }
  }
  await browser.close();
  console.log(`axe: ${findings} findings on ${looked} pages`);
  process.exit(findings > 0 || looked === 0 ? 1 : 0);
})().catch((error) => {
  console.log(`axe: ${error.message}`);
  process.exit(2);
});
