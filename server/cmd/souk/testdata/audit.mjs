// Runs every audit of graphql-http against a server: node audit.mjs URL TOKEN
import { serverAudits } from 'graphql-http';

const [url, token] = process.argv.slice(2);
const fetchFn = (address, init = {}) => fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { status, reason = '' } = await audit.fn();
  results.push({ ID: audit.id, Name: audit.name, Status: status, Reason: reason });
}
console.log(JSON.stringify(results));
