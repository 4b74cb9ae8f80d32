// Asks for the proxy's own page on the intercepted name with the library that is named first.

import https from "node:https";

const URL = "https://api.openai.com/.well-known/azure-openai-proxy";

const libraries = {
  fetch: async () => (await fetch(URL)).text(),
  https: () =>
    new Promise((resolve, reject) => {
      https.get(URL, (answer) => answer.on("data", (octets) => resolve(String(octets)))).on("error", reject);
    }),
  axios: async () => JSON.stringify((await (await import("axios")).default.get(URL)).data),
  undici: async () => {
    const { EnvHttpProxyAgent, request } = await import("undici");
    return (await request(URL, { dispatcher: new EnvHttpProxyAgent() })).body.text();
  },
};

// Bun and Deno count their own executable too, or not.
console.log(await libraries[process.argv.at(-1)]());
