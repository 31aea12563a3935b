// Walks the pages of an application as people do: signs up, signs in, sets up second factors, invites colleagues, works, and
// makes the mistakes that people make. At each page it calls `look(page, name)`. What it types, it types into the pages' own
// forms; no page needs a script but for passkeys. Mails are read from the outbox of a development system (`data`), where
// there is one: without it the pages behind links in mails are left out.
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const PASSWORD = "four quiet herons by the lock";
const PICTURE = path.join(__dirname, "floor-plan.svg");

// RFC 6238, as an authenticator app computes it.
function code(key, at = Date.now()) {
  const signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key.replace(/[^A-Z2-7]/gi, "").toUpperCase()].map((one) => signs.indexOf(one).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map((one) => parseInt(one, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
  const mac = crypto.createHmac("sha1", bytes).update(step).digest();
  const from = mac[19] & 15;
  return String((mac.readUInt32BE(from) & 0x7fffffff) % 1000000).padStart(6, "0");
}

// The newest mail to an address with a link that begins so.
function mailed(data, to, begin) {
  const folder = path.join(data, "outbox");
  for (const name of fs.readdirSync(folder).filter((one) => one.endsWith(".eml")).sort().reverse()) {
    const text = fs.readFileSync(path.join(folder, name), "utf8").replace(/=\r?\n/g, "").replace(/=3D/g, "=");
    if (!text.includes(`To: ${to}`) && !text.includes(`To: <${to}>`)) continue;
    const link = text.match(new RegExp(`https://[^\\s"<]*${begin}[^\\s"<]*`));
    if (link) return link[0];
  }
  return null;
}

class Person {
  constructor(world, page, name, email, team) {
    Object.assign(this, { world, page, name, email, team, links: new Set() });
  }

  static async of(world, name, email, team) {
    const context = await world.browser.newContext({ viewport: { width: 1280, height: 900 }, ignoreHTTPSErrors: !world.trusted });
    const page = await context.newPage();
    if (world.meet) await world.meet(page);
    return new Person(world, page, name, email, team);
  }

  async go(to) {
    const answer = await this.page.goto(to.startsWith("https:") ? to : this.world.url + to, { waitUntil: "load" });
    this.status = answer.status();
    return this;
  }

  async look(name, status = 200) {
    if (this.status !== status) throw new Error(`${name}: ${this.page.url()} answered ${this.status}, not ${status}`);
    await this.world.look(this.page, name);
    return this;
  }

  // Fills and sends the form with this action, past what the browser itself would refuse.
  async send(action, fields = {}) {
    const form = this.page.locator(`form[action="${action}"]`).first();
    if ((await form.count()) === 0) throw new Error(`${this.page.url()} has no form for ${action}`);
    await form.evaluate((one) => { one.noValidate = true; });
    for (const [name, value] of Object.entries(fields)) {
      const field = form.locator(`[name="${name}"]`);
      const kind = await field.evaluate((one) => one.type);
      if (kind === "checkbox") await field.setChecked(value);
      else if (kind === "select-one") await field.selectOption(value);
      else if (kind === "file") await field.setInputFiles(value);
      else if (kind === "hidden") await field.evaluate((one, typed) => { one.value = typed; }, value);
      else await field.fill(value);
    }
    const [answer] = await Promise.all([
      this.page.waitForResponse((one) => one.request().isNavigationRequest() && (one.status() < 300 || one.status() >= 400)),
      form.locator("button").last().click(),
    ]);
    await this.page.waitForLoadState("load");
    this.status = answer.status();
    return this;
  }

  // The link of a mail that was not read yet.
  async mail(begin) {
    for (let left = 60; left > 0 && this.world.data; left -= 1) {
      const link = mailed(this.world.data, this.email, begin);
      if (link && !this.links.has(link)) {
        this.links.add(link);
        return link;
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return null;
  }

  async signUp(next = "") {
    await this.go(`/sign-up${next && `?next=${encodeURIComponent(next)}`}`);
    return this.send("/sign-up", { name: this.name, email: this.email, password: PASSWORD, team: this.team });
  }

  async signIn(next = "") {
    await this.go(`/sign-in${next && `?next=${encodeURIComponent(next)}`}`);
    return this.send("/sign-in", { email: this.email, password: PASSWORD });
  }

  // The link in the mail works for whoever is signed in to the account that it belongs to.
  async verify(look) {
    const link = await this.mail("/verify-email");
    if (!link) return;
    await this.go(link);
    if (look) await this.look("verify-email");
    await this.send("/verify-email");
    if (look) await this.look("verified");
  }
}

async function entrance(owner) {
  await (await owner.go("/sign-up")).look("sign-up");
  await (await owner.send("/sign-up", { name: owner.name, password: "password" })).look("sign-up-errors", 422);
  await (await owner.signUp()).look("check-your-mail");
  const link = await owner.mail("/verify-email");
  if (link) await (await owner.go(link)).look("verify-email-signed-out");
  await owner.signIn();
  await (await owner.go("/account")).look("account-unconfirmed");
  await (await owner.send("/account/email/verify")).look("account-mail-sent");
  await owner.verify(true);
  await (await owner.go("/account")).send("/sign-out");
  await owner.look("signed-out");
  await (await owner.go("/verify-email?token=old")).look("link-dead", 404);
  await (await owner.go("/sign-in")).look("sign-in");
  await (await owner.send("/sign-in", { email: owner.email, password: "not the right one" })).look("sign-in-wrong", 422);
  await (await owner.go("/sign-in/saml")).look("sign-in-company");
  await (await owner.go("/forgot")).look("forgot");
  await (await owner.send("/forgot", { email: owner.email })).look("forgot-sent");
  const reset = await owner.mail("/reset");
  if (reset) {
    await (await owner.go(reset)).look("reset");
    await (await owner.send("/reset", { password: "password" })).look("reset-errors", 422);
    await (await owner.send("/reset", { password: PASSWORD })).look("reset-done");
  }
  await owner.signIn();
}

async function account(owner) {
  await (await owner.go("/account")).look("account");
  await (await owner.send("/account/profile", { name: "" })).look("account-errors", 422);
  await owner.send("/account/profile", { name: owner.name });
  await owner.look("account-saved");
  await (await owner.go("/account/sessions")).look("sessions");
  await (await owner.go("/account/tokens")).look("tokens-none");
  await (await owner.send("/account/tokens", { label: "Nightly export" })).look("token-shown");
  await (await owner.go("/account/tokens")).look("tokens");
  await (await owner.go("/account/security")).look("security");
  await (await owner.send("/account/password", { current: "wrong", password: "short" })).look("security-errors", 422);
  await (await owner.send("/account/totp/start")).look("authenticator");
  const key = await owner.page.locator("dl.facts dd").first().innerText();
  await (await owner.send("/account/totp", { code: "000000" })).look("authenticator-wrong", 422);
  await (await owner.send("/account/totp", { code: code(key) })).look("recovery-codes");
  const recovery = (await owner.page.locator(".codes").innerText()).trim().split(/\s+/);
  await passkey(owner);
  await (await owner.go("/account/security")).look("security-full");
  await (await owner.go("/confirm?next=/account")).look("confirm");
  await (await owner.go("/account")).send("/sign-out");
  await (await owner.signIn()).look("second-factor");
  await (await owner.send("/sign-in/second", { code: "123456" })).look("second-factor-wrong", 422);
  // The code of this half minute was used to set the app up.
  await owner.send("/sign-in/second", { code: recovery[0] });
}

// Makes a passkey with an authenticator that Chromium plays; where the certificate is not trusted, browsers have none.
async function passkey(owner) {
  if (!owner.world.trusted) return;
  const devices = await owner.page.context().newCDPSession(owner.page);
  await devices.send("WebAuthn.enable");
  await devices.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await owner.go("/account/security");
  await owner.page.locator("#passkey-label").fill("Work laptop");
  await Promise.all([owner.page.waitForURL(/done=passkey/), owner.page.locator("[data-passkey] button").click()]);
}

async function team(owner, colleagues) {
  await (await owner.go("/team")).look("team-alone");
  await (await owner.send("/team/invitations", { email: "nobody" })).look("team-errors", 422);
  for (const [index, [colleague, role]] of colleagues.entries()) {
    await owner.go("/team");
    await owner.send("/team/invitations", { email: colleague.email, role });
    if (index === 0) await owner.look("invited");
    const link = (await owner.page.locator(".codes").innerText()).trim();
    await colleague.go(link);
    if (index === 0) await colleague.look("invitation-stranger");
    if (!owner.world.data) continue;
    await colleague.signUp();
    await colleague.signIn();
    await colleague.go(link);
    if (index === 0) await colleague.look("invitation-unverified");
    await colleague.verify();
    await colleague.go(link);
    if (index === 0) await colleague.look("invitation");
    await colleague.send(new URL(link).pathname);
    if (index === 0) await colleague.look("team-member");
    if (index === 0) await (await colleague.go(link)).look("invitation-gone", 404);
  }
  await owner.go("/team");
  await owner.send("/team/invitations", { email: "kim.okafor@example.com", role: "viewer" });
  await (await owner.go("/team")).look("team");
  await (await owner.go("/team/log")).look("team-log");
  await (await owner.go("/team/saml")).look("team-saml");
  const id = (await owner.page.locator("dl.facts dd").allInnerTexts()).find((one) => /^[0-9a-f-]{36}$/.test(one.trim()));
  await (await owner.send("/team/saml", { metadata: "<no/>" })).look("team-saml-errors", 422);
  return id;
}

async function drawings(owner, colleague) {
  await (await owner.go("/drawings")).look("drawings-empty");
  await (await owner.go("/drawings/new")).look("drawing-upload");
  await (await owner.send("/drawings")).look("drawing-upload-errors", 422);
  for (const name of ["Ground floor, as built", "South elevation", "Stair B, handrail detail"]) {
    await owner.go("/drawings/new");
    await owner.send("/drawings", { file: PICTURE, name });
  }
  await owner.look("drawing-new");
  const here = new URL(owner.page.url()).pathname;
  if (colleague) {
    await owner.send(`${here}/share`);
    await owner.look("drawing");
    await (await colleague.go(here)).look("drawing-shared-with-me");
  }
  await (await owner.go("/drawings")).look("drawings");
  await (await owner.go("/drawings?which=shared")).look("drawings-shared-empty");
  await (await owner.go(`${here}/delete`)).look("drawing-delete");
}

// A day so far from today.
const days = (offset) => new Date(Date.now() + offset * 86400000).toISOString().slice(0, 10);

async function objectives(owner) {
  await (await owner.go("/objectives")).look("objectives-empty");
  await (await owner.go("/objectives/new")).look("objective-new");
  await (await owner.send("/objectives", { title: "", starts_on: "", ends_on: "" })).look("objective-errors", 422);
  const plans = [
    ["company", "Customers recommend us without being asked", "What they say to others is what we want to be judged by."],
    ["company", "A quiet on-call rota", ""],
    ["team", "Support answers within the hour", "Counted on working days, from nine to five."],
  ];
  for (const [level, title, description] of plans) {
    await owner.go("/objectives/new");
    await owner.send("/objectives", { level, title, description, starts_on: days(-40), ends_on: days(50) });
  }
  const here = new URL(owner.page.url()).pathname;
  await owner.look("objective-created");
  await (await owner.go(`${here}/key-results/new`)).look("key-result-new");
  await (await owner.send(`${here}/key-results`, { title: "", target: "" })).look("key-result-errors", 422);
  const results = [
    { title: "Median first answer, in minutes", initial: "240", target: "60", direction: "decrease", weight: "60" },
    { title: "Tickets answered on the same day", initial: "70", target: "95", unit: "percentage", weight: "40" },
  ];
  const made = [];
  for (const result of results) {
    await owner.go(`${here}/key-results/new`);
    await owner.send(`${here}/key-results`, result);
    await owner.go(here);
    made.push(await owner.page.getByRole("link", { name: result.title }).getAttribute("href"));
  }
  await owner.go(made[0]);
  await owner.look("key-result-no-check-ins");
  for (const [value, confidence, comment] of [["200", "5", "Rota set up."], ["130", "7", "The new inbox helps."]]) {
    await owner.go(made[0]);
    await owner.send(`${made[0]}/check-ins`, { value, confidence, comment });
  }
  await owner.look("key-result");
  await (await owner.send(`${made[0]}/check-ins`, { value: "", confidence: "11" })).look("check-in-errors", 422);
  await owner.go(made[1]);
  await owner.send(`${made[1]}/check-ins`, { value: "93", confidence: "9", comment: "" });
  await owner.go(`${here}/edit`);
  await owner.look("objective-edit");
  await owner.send(here, { status: "active" });
  await (await owner.go(here)).look("objective");
  await (await owner.go(`${here}/history`)).look("objective-history");
  await (await owner.go(`${here}/archive`)).look("objective-archive");
  await (await owner.go("/objectives")).look("objectives");
  await (await owner.go("/objectives?archived=yes")).look("objectives-archived");
  await (await owner.go("/objectives/export")).look("export");
}

async function errors(owner, stranger, home) {
  await (await owner.go("/nothing-here")).look("nothing-here", 404);
  await (await owner.go(`${home}/00000000-0000-4000-8000-000000000000`)).look("not-found", 404);
  await owner.go("/account");
  await (await owner.send("/account/profile", { name: owner.name, csrf: "worn-out" })).look("forbidden", 403);
  for (let left = 12; left > 0 && stranger.status !== 429; left -= 1) {
    await stranger.go("/sign-in");
    await stranger.send("/sign-in", { email: "somebody.else@example.com", password: "not the right one" });
  }
  if (stranger.status === 429) await stranger.look("too-many", 429);
}

// The admin area shows itself only to an address of the list, confirmed and with a second factor.
async function admin(keeper, team) {
  await keeper.signUp();
  await keeper.signIn();
  await keeper.verify();
  await keeper.go("/account/security");
  await keeper.send("/account/totp/start");
  await keeper.send("/account/totp", { code: code(await keeper.page.locator("dl.facts dd").first().innerText()) });
  await (await keeper.go("/admin")).look("admin");
  const here = `/admin/teams/${team}`;
  await (await keeper.go(here)).look("admin-team");
  await (await keeper.send(`${here}/look`, { reason: "" })).look("admin-team-errors", 422);
  await keeper.go(here);
  await keeper.send(`${here}/look`, { reason: "They asked why an invitation did not arrive." });
  await keeper.look("admin-look");
  await (await keeper.go("/admin")).look("admin-looking");
  await (await keeper.go("/admin/sessions")).look("admin-sessions");
  const nobody = { email: "nobody@example.org", reason: "A stolen laptop" };
  await (await keeper.send("/admin/sessions/end", nobody)).look("admin-sessions-errors", 422);
}

// Loads the page again until it has a link that ends so.
async function until(person, end) {
  for (let left = 60; left > 0; left -= 1) {
    const link = person.page.locator(`a[href$="${end}"]`).first();
    if (await link.count()) return link.getAttribute("href");
    await person.page.waitForTimeout(500);
    await person.page.reload();
  }
  throw new Error(`${person.page.url()} has no link to ${end}`);
}

// What people can ask for, what the operator sees of it, and somebody who goes.
async function rights(owner, leaver, keeper) {
  const requests = "/account/data/requests";
  await owner.go("/account/data");
  await (await owner.send(requests, { kind: "access", email: "somebody.else@example.com" })).look("data-errors", 422);
  await owner.go("/account/data");
  await owner.send(requests, { kind: "access", email: owner.email });
  const copy = await until(owner, "/package.html");
  await owner.look("case-copy");
  // It is taken along as a file, and opened from there.
  const [taken] = await Promise.all([owner.page.waitForEvent("download"), owner.page.locator(`a[href="${copy}"]`).click()]);
  const reader = await owner.page.context().newPage();
  await reader.setContent(fs.readFileSync(await taken.path(), "utf8"));
  await owner.world.look(reader, "package");
  await reader.close();
  await owner.go("/account/data");
  await owner.send(requests, { kind: "objection", email: owner.email });
  const objection = new URL(owner.page.url()).pathname;
  if (keeper) {
    const here = objection.replace(requests, "/admin/cases");
    await (await keeper.go("/admin/cases")).look("admin-cases");
    await (await keeper.go(here)).look("admin-case");
    await (await keeper.send(`${here}/pause`, { reason: "" })).look("admin-case-errors", 422);
    await keeper.go(here);
    await keeper.send(`${here}/pause`, { reason: "Is it the search over drawings that you object to, or all of it?" });
    await (await owner.go(objection)).look("case-question");
  }
  await (await owner.go("/account/data")).look("data");
  await (await owner.go("/account/data/erase")).look("erase-plan-obstacle");
  await (await leaver.go("/account/data/erase")).look("erase-plan");
  await leaver.send("/account/data/erase", { email: leaver.email });
  await leaver.look("case-erasure");
  const receipt = await leaver.page.locator('a[href^="/receipts/"]').first().getAttribute("href");
  await leaver.go(receipt);
  for (let left = 60; (await leaver.page.locator("dl.facts dd", { hasText: /^done$/ }).count()) === 0; left -= 1) {
    if (left === 0) throw new Error("an erasure did not end");
    await leaver.page.waitForTimeout(500);
    await leaver.go(receipt);
  }
  await leaver.look("receipt");
}

// world: { browser, url, data, trusted, admin, look, meet }
async function walk(world) {
  const tag = world.tag ?? crypto.randomBytes(4).toString("hex");
  const at = (name) => (world.tag === "" ? `${name}@example.com` : `${name}.${tag}@example.com`);
  const owner = await Person.of(world, "Ann Sommer", at("ann.sommer"), world.team ?? "Sommer & Lindqvist Architects");
  const jonas = await Person.of(world, "Jonas Lindqvist", at("jonas.lindqvist"), "Lindqvist, alone");
  const mira = await Person.of(world, "Mira Haddad", at("mira.haddad"), "Haddad Studio");
  await entrance(owner);
  const home = new URL(owner.page.url()).pathname;
  if (home === "/objectives") await (await owner.go("/objectives")).look("home");
  await account(owner);
  const id = await team(owner, [[jonas, "member"], [mira, "admin"]]);
  const together = world.data ? jonas : null;
  if (home === "/drawings") await drawings(owner, together);
  if (home === "/objectives") await objectives(owner);
  await errors(owner, await Person.of(world, "Nobody", "", ""), home);
  let keeper = null;
  if (world.admin && world.data) {
    keeper = await Person.of(world, "Olle Berg", world.admin, "Operations");
    await admin(keeper, id);
    await (await owner.go("/team/log")).look("team-log-look");
  }
  await rights(owner, together ?? mira, keeper);
}

module.exports = { walk };
