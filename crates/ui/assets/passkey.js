// Passkeys (WebAuthn Level 3): asks the browser for one, or to make one, and posts what it says. Everything else on the
// pages works without script; the buttons of this one stay hidden where the browser cannot.

const decode = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
};

const encode = (buffer) => {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const reading = (options) => {
  const read = { ...options, challenge: decode(options.challenge) };
  if (options.user) read.user = { ...options.user, id: decode(options.user.id) };
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    if (options[list]) read[list] = options[list].map((one) => ({ ...one, id: decode(one.id) }));
  }
  return read;
};

const writing = (credential) => {
  const said = credential.response;
  const response = { clientDataJSON: encode(said.clientDataJSON) };
  if (said.attestationObject) {
    response.attestationObject = encode(said.attestationObject);
    response.transports = said.getTransports?.() ?? [];
  } else {
    response.authenticatorData = encode(said.authenticatorData);
    response.signature = encode(said.signature);
    if (said.userHandle) response.userHandle = encode(said.userHandle);
  }
  return {
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
};

const post = async (path, csrf, body) => {
  const answer = await fetch(path, {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json", "x-csrf-token": csrf },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
};

const run = async (box) => {
  const { passkey, options, finish, csrf, next } = box.dataset;
  const asked = await post(options, csrf, {});
  const publicKey = reading(asked.publicKey);
  const made = passkey === "create";
  const credential = made
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey });
  const label = box.querySelector("input")?.value ?? "";
  const said = { state: asked.state, credential: writing(credential), next };
  const done = await post(finish, csrf, made ? { ...said, label } : said);
  location.assign(done.next);
};

if (globalThis.PublicKeyCredential) {
  for (const box of document.querySelectorAll("[data-passkey]")) {
    box.hidden = false;
    const button = box.querySelector("button");
    const failed = box.querySelector("[data-failed]");
    button.addEventListener("click", async () => {
      button.disabled = true;
      failed.textContent = "";
      try {
        await run(box);
      } catch {
        failed.textContent = failed.dataset.failed;
        button.disabled = false;
        button.focus();
      }
    });
  }
}
