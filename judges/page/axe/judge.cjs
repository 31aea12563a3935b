// judge.cjs URL BROWSER CA [DATA]: exits with 1 when axe finds something, or a page breaks its Content-Security-Policy. The
// pages of the trust wing are read; those of the application are walked, signed out and in, with the mails of DATA.
const fs = require("fs");
const axe = require("axe-core");
const { launch } = require("./browser.cjs");
const { walk } = require("./walk.cjs");

const [url, executablePath, ca, data] = process.argv.slice(2);
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
let findings = 0;
let looked = 0;

const found = (where, what) => {
  findings += 1;
  console.log(`axe: ${where}: ${what}`);
};

async function pages(context) {
  const trust = await (await context.request.get(`${url}/trust.json`, { ignoreHTTPSErrors: true })).json();
  const attacked = trust.promises.find((one) => one.leaf !== null);
  const bare = trust.promises.find((one) => one.leaf === null);
  const paths = ["/trust", "/trust/changes"];
  if (attacked) paths.push(`/trust/promises/${attacked.id}`, `/trust/observations/${attacked.leaf}`);
  if (bare) paths.push(`/trust/promises/${bare.id}`);
  return paths;
}

// Listens for what a page does wrong while it is loaded and used.
function listen(page, where) {
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) found(where(), message.text());
  });
  page.on("pageerror", (error) => found(where(), error.message));
}

async function axed(page, where, values) {
  const options = Array.isArray(values) ? { runOnly: { type: "tag", values } } : values;
  const { violations } = await page.evaluate((one) => window.axe.run(document, one), options);
  for (const one of violations) {
    found(where, `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`);
  }
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (overflow > 0) found(where, `is ${overflow} px wider than the window`);
  looked += 1;
}

async function judge(context, path, name) {
  const page = await context.newPage();
  listen(page, () => `${path} ${name}`);
  const answer = await page.goto(url + path, { waitUntil: "load" });
  if (answer.status() !== 200) found(`${path} ${name}`, `answered ${answer.status()}`);
  await page.locator("details").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
  const styled = await page.evaluate(() => document.querySelectorAll("[style], style, script").length);
  if (styled > 0) found(`${path} ${name}`, `${styled} inline styles or scripts`);
  await page.evaluate(axe.source);
  await axed(page, `${path} ${name}`, tags);
  await page.close();
}

// What axe does not see: one heading of the first level, a title that begins with it, the cursor on what went wrong, nothing
// in the page that the policy would have to allow, and nothing to press that is smaller than a finger.
function oddities() {
  const odd = [];
  const heads = [...document.querySelectorAll("h1")];
  if (heads.length !== 1) odd.push(`${heads.length} first headings`);
  else if (!document.title.includes(heads[0].innerText.trim())) odd.push(`its title «${document.title}» does not name its heading`);
  const summary = document.querySelector(".summary");
  if (summary && document.activeElement !== summary) odd.push("the cursor is not on the summary of errors");
  if (summary && !document.title.startsWith("Error: ")) odd.push("its title does not say that something is wrong");
  for (const link of document.querySelectorAll(".summary a")) {
    if (!document.getElementById(link.hash.slice(1))) odd.push(`the summary leads to ${link.hash}, which is not there`);
  }
  // A file that was taken along has its style in it, and no policy of a server above it; scripts it has none.
  const forbidden = location.protocol === "https:" ? "[style], style, script:not([src]), [onclick]" : "[style], script, [onclick]";
  const styled = document.querySelectorAll(forbidden).length;
  if (styled > 0) odd.push(`${styled} inline styles or scripts`);
  for (const one of document.querySelectorAll("button, select, .button, input:not([type=hidden]):not([type=checkbox])")) {
    const box = one.getBoundingClientRect();
    if (box.height > 0 && (box.height < 43.5 || box.width < 24)) odd.push(`«${one.innerText || one.name}» is ${Math.round(box.width)} by ${Math.round(box.height)} px`);
  }
  return odd;
}

const names = new Set();

async function application(page, name) {
  if (names.has(name)) return;
  names.add(name);
  // A browser moves the cursor with the frame after the page is there.
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  for (const odd of await page.evaluate(oddities)) found(name, odd);
  await page.evaluate(axe.source);
  await axed(page, `${name} (light)`, tags);
  await page.emulateMedia({ colorScheme: "dark" });
  await axed(page, `${name} (dark)`, { runOnly: { type: "rule", values: ["color-contrast"] } });
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 844 });
  await axed(page, `${name} (390 px)`, { runOnly: { type: "rule", values: ["color-contrast", "target-size", "scrollable-region-focusable"] } });
  await page.setViewportSize({ width: 1280, height: 900 });
}

(async () => {
  const browser = await launch(executablePath, url, fs.readFileSync(ca));
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
      for (const path of await pages(context)) await judge(context, path, `(${colorScheme}, ${width} px)`);
      await context.close();
    }
  }
  let path = "";
  const meet = (page) => {
    page.on("framenavigated", () => { path = new URL(page.url()).pathname; });
    listen(page, () => path);
  };
  await walk({ browser, url, data, trusted: true, meet, look: application });
  await browser.close();
  if (names.size < 30) found("the walk", `met only ${names.size} pages`);
  console.log(`axe: ${findings} findings in ${looked} views, ${names.size} pages of the application among them`);
  process.exit(findings > 0 || looked === 0 ? 1 : 0);
})().catch((error) => {
  console.log(`axe: ${error.message}`);
  process.exit(2);
});
