// A Chromium that trusts the service's own key, as one whose certificate authority was installed: passkeys need that.
const crypto = require("crypto");
const tls = require("tls");
const { chromium } = require("playwright-core");

const ARGS = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

// The hash of the key with which the service answers, after its certificate was verified against `ca`.
function pinned(url, ca) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: hostname, port: port || 443, servername: hostname, ca }, () => {
      const { publicKey } = socket.getPeerX509Certificate();
      socket.end();
      resolve(crypto.createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64"));
    });
    socket.on("error", reject);
  });
}

async function launch(executablePath, url, ca) {
  const root = process.getuid && process.getuid() === 0;
  const args = [...ARGS, `--ignore-certificate-errors-spki-list=${await pinned(url, ca)}`];
  return chromium.launch({ executablePath, args: root ? [...args, "--no-sandbox"] : args });
}

module.exports = { launch };
