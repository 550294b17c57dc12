// Writes src/api/schema.d.ts from the OpenAPI document that the program prints (`yingda openapi >build/openapi.json`, done by ./run).
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const document = new URL('../../../build/openapi.json', import.meta.url);
const types = new URL('../src/api/schema.d.ts', import.meta.url);
if (!existsSync(document)) {
  console.error('build/openapi.json is missing; make it with: ./build/yingda openapi >build/openapi.json');
  process.exit(1);
}
const text = astToString(await openapiTS(document, { defaultNonNullable: false }));
if (!existsSync(types) || readFileSync(types, 'utf8') !== text) writeFileSync(types, text);
