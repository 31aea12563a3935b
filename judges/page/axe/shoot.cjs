// shoot.cjs URL BROWSER CA DATA FOLDER [TEAM]: a picture of each page that the walk meets, light, dark and narrow.
// Which of them stand in docs/screenshots is chosen by hand. WORDBOND_ADMIN is an address of the list of administrators, with
// which nobody has signed up yet; WORDBOND_TAG stands in every address, and none with an empty one.
const fs = require("fs");
const path = require("path");
const { launch } = require("./browser.cjs");
const { walk } = require("./walk.cjs");

const [url, executablePath, ca, data, folder, team] = process.argv.slice(2);
const seen = new Set();

async function shoot(page, name) {
  if (seen.has(name)) return;
  seen.add(name);
  // A list that anybody on this machine has made longer says nothing more.
  const fullPage = (await page.evaluate(() => document.documentElement.scrollHeight)) < 3200;
  for (const [kind, width, colorScheme] of [["light", 1280, "light"], ["dark", 1280, "dark"], ["narrow", 390, "light"]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: kind === "narrow" ? 844 : 800 });
    await page.screenshot({ path: path.join(folder, `${name}-${kind}.png`), fullPage });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
  console.log(name);
}

(async () => {
  fs.mkdirSync(folder, { recursive: true });
  const browser = await launch(executablePath, url, fs.readFileSync(ca));
  await walk({ browser, url, data, trusted: true, admin: process.env.WORDBOND_ADMIN, tag: process.env.WORDBOND_TAG, team, look: shoot });
  await browser.close();
})().catch((error) => {
  console.log(error.stack);
  process.exit(2);
});
