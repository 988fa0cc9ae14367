// Judges GraphQL texts (one file each) by GitHub's own schema; run from where its package is installed:
// node validate.mjs FILE…
import { readFileSync } from 'node:fs';
import { validate } from '@octokit/graphql-schema';

let wrong = 0;
for (const file of process.argv.slice(2)) {
  for (const error of validate(readFileSync(file, 'utf8'))) {
    wrong += 1;
    console.error(`${file}: ${error.message}`);
  }
}
process.exit(wrong ? 1 : 0);
