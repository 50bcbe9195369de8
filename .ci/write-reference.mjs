// Writes the generated parts of the documentation from the compiled code: npm run build, then node .ci/write-reference.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { generatedParts, replaceGenerated } from '../dist/bench/reference-pages.js';

for (const part of generatedParts()) {
  const page = readFileSync(part.file, 'utf8');
  const next = replaceGenerated(page, part);
  if (next === page) continue;
  writeFileSync(part.file, next);
  console.log(`wrote ${part.file}`);
}
