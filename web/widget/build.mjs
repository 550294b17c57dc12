// dist/ = widget.js (one file, style included) and the demo shop under shop/. Fails when the widget grows over its budget.
import { build } from 'esbuild';
import { cpSync, mkdirSync, rmSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const budget = 25 * 1024;
rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/main.tsx'],
  outfile: 'dist/widget.js',
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['es2020'],
  charset: 'utf8',
  loader: { '.css': 'text' },
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
});
const size = gzipSync(readFileSync('dist/widget.js'), { level: 9 }).length;
console.log(`widget.js: ${size} bytes gzipped, budget ${budget}`);
if (size > budget) process.exit(1);

// The demo shop: one page a language from one template, its texts beside it.
const fill = (template, values) => template.replace(/\{\{(\w+)\}\}/g, (_, name) => {
  if (!(name in values)) throw new Error(`the shop's page has no text ${name}`);
  return values[name];
});
const template = readFileSync('shop/page.html', 'utf8');
for (const [language, folder] of [['zh-CN', 'dist/shop'], ['en-US', 'dist/shop/en']]) {
  const t = JSON.parse(readFileSync(`shop/${language}.json`, 'utf8'));
  const goods = t.items.map(([picture, name, about, price]) =>
    `<li><img src="/shop/${picture}.svg" alt="" width="300" height="190" loading="lazy"><div><h3>${name}</h3><p>${about}</p><b>${t.price.replace('{0}', price)}</b></div></li>`).join('');
  const promise = t.promises.map(([what, more]) => `<li><b>${what}</b><span>${more}</span></li>`).join('');
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/index.html`, fill(template, { ...t, goods, promise }));
}
cpSync('shop/pictures', 'dist/shop', { recursive: true });
for (const name of ['shop.css', 'shop.js']) cpSync(`shop/${name}`, `dist/shop/${name}`);
