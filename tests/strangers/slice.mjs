// Cuts an OpenAPI description down to a few paths and everything they refer to, so that a mock of it starts in
// seconds: node slice.mjs DESCRIPTION OUT PATH…
import { readFileSync, writeFileSync } from 'node:fs';

const [file, out, ...wanted] = process.argv.slice(2);
const whole = JSON.parse(readFileSync(file, 'utf8'));
const kept = { ...whole, paths: {}, components: {} };
delete kept['x-webhooks'];
delete kept.webhooks;
if (whole.components?.securitySchemes) kept.components.securitySchemes = whole.components.securitySchemes;

const decode = (step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
const done = new Set();

function follow(value) {
  if (Array.isArray(value)) return value.forEach(follow);
  if (value === null || typeof value !== 'object') return;
  if (typeof value.$ref === 'string' && value.$ref.startsWith('#/')) keep(value.$ref);
  Object.values(value).forEach(follow);
}

function keep(ref) {
  if (done.has(ref)) return;
  done.add(ref);
  const steps = ref.slice(2).split('/').map(decode);
  let from = whole;
  let to = kept;
  steps.forEach((step, i) => {
    from = from?.[step];
    if (i === steps.length - 1) to[step] = from;
    else to = to[step] ??= Array.isArray(from) ? [] : {};
  });
  follow(from);
}

for (const path of wanted) {
  if (!whole.paths[path]) throw new Error(`the description has no ${path}`);
  kept.paths[path] = whole.paths[path];
  follow(whole.paths[path]);
}

// PagerDuty's dates carry the literal text YYYY-MM-DDThh:mm:ssZ as a pattern, which refuses every date.
const text = JSON.stringify(kept, (key, value) =>
  key === 'pattern' && typeof value === 'string' && value.startsWith('YYYY-') ? undefined : value);
writeFileSync(out, text);
