// Checks the demo company's content: formats, references between the files, counts, and that
// neither a wording nor a held-out question is stored twice. Exits 1 with one line a fault.
// Usage: node demo/check.mjs
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const faults = [];
const fault = (where, text) => faults.push(`${where}: ${text}`);

function read(name) {
    let bytes;
    try {
        bytes = fs.readFileSync(path.join(here, name));
    } catch (e) {
        fault(name, `cannot be read (${e.code})`);
        return '';
    }
    let text = '';
    try {
        text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
        fault(name, 'is not UTF-8');
    }
    if (text.startsWith('\ufeff')) fault(name, 'begins with a byte order mark');
    if (text.includes('\r')) fault(name, 'has a carriage return');
    if (!text.endsWith('\n')) fault(name, 'does not end with a line feed');
    return text;
}

function json(name, text, line) {
    try {
        return JSON.parse(text);
    } catch (e) {
        fault(line ? `${name}:${line}` : name, e.message);
        return null;
    }
}

function lines(name) {
    const rows = [];
    read(name).split('\n').forEach((text, i, all) => {
        if (text === '' && i === all.length - 1) return;
        const row = json(name, text, i + 1);
        if (row) rows.push({ ...row, where: `${name}:${i + 1}` });
    });
    return rows;
}

const filled = (v) => typeof v === 'string' && v.trim() !== '' && v === v.trim();
const both = (v) => v && filled(v['zh-CN']) && filled(v['en-US']);
const at_least = (name, n, least) => n < least && fault(name, `has ${n}, at least ${least} are wanted`);
// Two wordings are the same when only case, width, blanks or punctuation differ.
const plain = (s) => s.normalize('NFKC').toLowerCase().replace(/[\p{P}\p{S}\s]+/gu, '');
const has_han = (s) => /\p{Script=Han}/u.test(s);

function only_keys(row, allowed, where) {
    for (const k of Object.keys(row)) if (k !== 'where' && !allowed.includes(k)) fault(where, `unknown field ${k}`);
}

// Company, staff, categories

const company = json('company.json', read('company.json')) ?? {};
if (!both(company.name) || !both(company.about)) fault('company.json', 'name and about are wanted in both languages');
for (const k of ['hours', 'phone']) if (!filled(company[k])) fault('company.json', `${k} is missing`);
if (company.timezone !== 'Asia/Shanghai') fault('company.json', 'timezone is not Asia/Shanghai');
const inboxes = new Set();
for (const b of company.inboxes ?? []) {
    if (!/^[a-z][a-z0-9-]*$/.test(b.slug) || inboxes.has(b.slug)) fault('company.json', `inbox slug ${b.slug}`);
    if (!both(b.name) || !both(b.greeting)) fault('company.json', `inbox ${b.slug}: name and greeting in both languages`);
    if (!/^#[0-9a-f]{6}$/.test(b.color)) fault('company.json', `inbox ${b.slug}: color ${b.color}`);
    inboxes.add(b.slug);
}
at_least('company.json inboxes', inboxes.size, 2);
const wrap_ups = new Set();
for (const w of company.wrap_up_codes ?? []) {
    if (!/^[a-z][a-z0-9_]*$/.test(w.code) || wrap_ups.has(w.code)) fault('company.json', `wrap-up code ${w.code}`);
    if (!both(w.name)) fault('company.json', `wrap-up ${w.code}: name in both languages`);
    wrap_ups.add(w.code);
}
at_least('company.json wrap_up_codes', wrap_ups.size, 10);

const ROLES = ['owner', 'supervisor', 'agent', 'editor', 'planner', 'finance', 'auditor'];
const staff = json('staff.json', read('staff.json')) ?? [];
const agents = new Set();
const emails = new Set();
for (const s of staff) {
    if (!/^[a-z0-9]+@demo\.example$/.test(s.email) || emails.has(s.email)) fault('staff.json', `email ${s.email}`);
    emails.add(s.email);
    if (!filled(s.name) || !filled(s.name_en)) fault('staff.json', `${s.email}: name and name_en`);
    if (!['zh-CN', 'en-US'].includes(s.locale)) fault('staff.json', `${s.email}: locale ${s.locale}`);
    if (!Number.isInteger(s.capacity) || s.capacity < 0) fault('staff.json', `${s.email}: capacity`);
    if (!s.roles?.length) fault('staff.json', `${s.email}: no role`);
    for (const r of s.roles ?? []) if (!ROLES.includes(r)) fault('staff.json', `${s.email}: role ${r}`);
    if (s.roles?.some((r) => r === 'agent' || r === 'supervisor')) agents.add(s.email);
}
for (const r of ROLES) at_least(`staff.json ${r}`, staff.filter((s) => s.roles?.includes(r)).length, r === 'agent' ? 5 : 1);

const categories = new Set();
for (const c of json('categories.json', read('categories.json')) ?? []) {
    if (!filled(c.slug) || categories.has(c.slug) || !both(c.name)) fault('categories.json', `category ${c.slug}`);
    categories.add(c.slug);
}

// FAQs

const faqs = new Map();
const wordings = { zh: new Map(), en: new Map() };
for (const f of lines('faqs.jsonl')) {
    only_keys(f, ['id', 'language', 'category', 'question', 'similar', 'answer', 'tags', 'pair'], f.where);
    if (!/^faq-\d{3}$/.test(f.id)) fault(f.where, `id ${f.id}`);
    if (faqs.has(f.id)) fault(f.where, `id ${f.id} is used twice`);
    faqs.set(f.id, f);
    if (!wordings[f.language]) {
        fault(f.where, `language ${f.language}`);
        continue;
    }
    if (!categories.has(f.category)) fault(f.where, `category ${f.category} is not in categories.json`);
    if (!filled(f.question) || !filled(f.answer)) fault(f.where, 'question and answer are wanted');
    if (has_han(f.question ?? '') !== (f.language === 'zh')) fault(f.where, 'question is not in its language');
    if (!f.tags?.length || !f.tags.every(filled)) fault(f.where, 'tags are wanted');
    const n = f.similar?.length ?? 0;
    if (n < 10 || n > 16) fault(f.where, `${n} similar questions, 10 to 16 are wanted`);
    for (const w of [f.question, ...(f.similar ?? [])]) {
        if (!filled(w)) {
            fault(f.where, 'an empty wording');
            continue;
        }
        const seen = wordings[f.language].get(plain(w));
        if (seen) fault(f.where, `"${w}" is also in ${seen}`);
        wordings[f.language].set(plain(w), f.id);
    }
}
for (const f of faqs.values()) {
    if (!f.pair) continue;
    const p = faqs.get(f.pair);
    if (!p) fault(f.where, `pair ${f.pair} does not exist`);
    else if (p.pair !== f.id || p.language === f.language) fault(f.where, `pair ${f.pair} does not point back`);
}
const in_language = (l) => [...faqs.values()].filter((f) => f.language === l).length;
at_least('faqs.jsonl', faqs.size, 220);
at_least('faqs.jsonl zh', in_language('zh'), 130);
at_least('faqs.jsonl en', in_language('en'), 90);

// Articles

const slugs = { 'zh-CN': new Set(), 'en-US': new Set() };
for (const locale of ['zh-CN', 'en-US']) {
    const folder = path.join(here, 'articles', locale);
    const names = fs.existsSync(folder) ? fs.readdirSync(folder).filter((n) => n.endsWith('.md')) : [];
    at_least(`articles/${locale}`, names.length, 12);
    for (const name of names) {
        const where = `articles/${locale}/${name}`;
        const m = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(read(where));
        if (!m) {
            fault(where, 'has no front matter');
            continue;
        }
        const front = Object.fromEntries(m[1].split('\n').map((l) => [l.split(':')[0], l.slice(l.indexOf(':') + 1).trim()]));
        for (const k of ['title', 'category', 'tags', 'slug']) if (!filled(front[k])) fault(where, `${k} is missing`);
        if (!categories.has(front.category)) fault(where, `category ${front.category} is not in categories.json`);
        if (front.slug !== name.slice(0, -3) || slugs[locale].has(front.slug)) fault(where, `slug ${front.slug}`);
        slugs[locale].add(front.slug);
        const body = m[2];
        if (!/^## /m.test(body)) fault(where, 'has no heading');
        if (!/^(- |\d+\. )/m.test(body)) fault(where, 'has no list');
        const words = locale === 'zh-CN' ? (body.match(/\p{Script=Han}|[A-Za-z0-9.]+/gu) ?? []).length
            : (body.match(/[\p{L}\p{N}][^\s|]*/gu) ?? []).length;
        const [least, most] = locale === 'zh-CN' ? [250, 1200] : [200, 700];
        if (words < least || words > most) fault(where, `${words} words, ${least} to ${most} are wanted`);
    }
}

// Contacts

const contacts = lines('contacts.jsonl');
const seen_contact = new Set();
for (const c of contacts) {
    only_keys(c, ['name', 'email', 'phone', 'city', 'locale', 'customer_id', 'tags', 'note'], c.where);
    for (const k of ['name', 'email', 'phone', 'city']) if (!filled(c[k])) fault(c.where, `${k} is missing`);
    if (!/^[^@\s]+@[a-z.-]+\.example$/.test(c.email)) fault(c.where, `email ${c.email}`);
    if (!/^(1[3-9]\d{9}|\+[1-9]\d{6,14})$/.test(c.phone)) fault(c.where, `phone ${c.phone}`);
    if (!['zh-CN', 'en-US'].includes(c.locale)) fault(c.where, `locale ${c.locale}`);
    if (!Array.isArray(c.tags)) fault(c.where, 'tags are wanted');
    for (const k of [c.email, c.phone, c.customer_id]) {
        if (k && seen_contact.has(k)) fault(c.where, `${k} is used twice`);
        seen_contact.add(k);
    }
}
at_least('contacts.jsonl', contacts.length, 60);

// Conversations

const STATES = ['bot', 'queued', 'open', 'pending', 'resolved'];
const conversations = lines('conversations.jsonl');
const used_contacts = new Set();
const texts = new Map();
const running = new Set();
for (const c of conversations) {
    only_keys(c, ['contact', 'inbox', 'minutes_ago', 'language', 'state', 'agent', 'wrap_up', 'rating', 'messages'], c.where);
    if (!contacts[c.contact]) fault(c.where, `contact ${c.contact} is out of range`);
    used_contacts.add(c.contact);
    if (!inboxes.has(c.inbox)) fault(c.where, `inbox ${c.inbox}`);
    if (!Number.isInteger(c.minutes_ago) || c.minutes_ago < 30 || c.minutes_ago > 43200) fault(c.where, `minutes_ago ${c.minutes_ago}`);
    if (!wordings[c.language]) fault(c.where, `language ${c.language}`);
    if (!STATES.includes(c.state)) fault(c.where, `state ${c.state}`);
    if (c.state !== 'resolved' && running.has(`${c.contact} ${c.inbox}`)) fault(c.where, 'is a second running one of its contact');
    if (c.state !== 'resolved') running.add(`${c.contact} ${c.inbox}`);
    if (c.agent && !agents.has(c.agent)) fault(c.where, `agent ${c.agent} is not in staff.json`);
    if (c.wrap_up && !wrap_ups.has(c.wrap_up)) fault(c.where, `wrap_up ${c.wrap_up}`);
    if (c.rating && !(Number.isInteger(c.rating.score) && c.rating.score >= 1 && c.rating.score <= 5)) fault(c.where, 'rating score');
    if (c.rating && c.state !== 'resolved') fault(c.where, 'is rated and not resolved');
    const talk = c.messages ?? [];
    const said = talk.filter((m) => m.by !== 'handoff').length;
    if (said < 3 && c.state === 'resolved') fault(c.where, `${said} messages, at least 3 are wanted`);
    if (said > 14 || said < 1) fault(c.where, `${said} messages`);
    if (talk[0]?.by !== 'visitor') fault(c.where, 'does not begin with the visitor');
    let handed = false;
    let length = 0;
    for (const m of talk) {
        only_keys(m, ['by', 'after_s', 'text', 'faq', 'reason'], c.where);
        if (!Number.isInteger(m.after_s) || m.after_s < 0) fault(c.where, `after_s ${m.after_s}`);
        length += m.after_s;
        if (m.by === 'handoff') {
            if (handed) fault(c.where, 'is handed off twice');
            if (!['asked', 'bot_gave_up'].includes(m.reason)) fault(c.where, `reason ${m.reason}`);
            handed = true;
            continue;
        }
        if (!['visitor', 'bot', 'agent', 'note'].includes(m.by)) fault(c.where, `message by ${m.by}`);
        if ((m.by === 'agent' || m.by === 'note') && (!handed || !c.agent)) fault(c.where, `${m.by} without a hand-off or an agent`);
        if (m.by === 'bot' && handed) fault(c.where, 'the bot speaks after the hand-off');
        if (m.faq && m.by !== 'bot') fault(c.where, 'only the bot answers from a FAQ');
        if (m.faq && faqs.get(m.faq)?.language !== c.language) fault(c.where, `faq ${m.faq} is missing or in the other language`);
        if (!m.faq && !filled(m.text)) fault(c.where, 'a message without text');
    }
    if (handed && c.state === 'bot') fault(c.where, 'is with the bot after a hand-off');
    if (!handed && ['queued', 'open', 'pending'].includes(c.state)) fault(c.where, `is ${c.state} without a hand-off`);
    if (c.agent && !talk.some((m) => m.by === 'agent')) fault(c.where, 'has an agent who says nothing');
    if (c.state === 'queued' && c.agent) fault(c.where, 'is queued and has an agent');
    if (c.state === 'resolved' && c.agent && !c.wrap_up) fault(c.where, 'has no wrap_up');
    if (c.state === 'resolved' && handed && !c.agent) fault(c.where, 'was handed off and nobody took it');
    if (length > c.minutes_ago * 60) fault(c.where, 'lasts into the future');
    const whole = talk.filter((m) => m.by !== 'handoff').map((m) => m.text ?? m.faq).join('\n');
    if (texts.has(whole)) fault(c.where, `is the same talk as ${texts.get(whole)}`);
    texts.set(whole, c.where);
}
at_least('conversations.jsonl', conversations.length, 200);
at_least('conversations.jsonl contacts', used_contacts.size, 50);
const open = conversations.filter((c) => c.state !== 'resolved').length;
if (open < 8 || open > 20) fault('conversations.jsonl', `${open} are not resolved, 8 to 20 are wanted`);
const share = (name, n, least, most) => {
    const s = n / (conversations.length || 1);
    if (s < least || s > most) fault('conversations.jsonl', `share of ${name} is ${s.toFixed(2)}, ${least} to ${most} is wanted`);
};
share('rated', conversations.filter((c) => c.rating).length, 0.38, 0.52);
share('handed to a person', conversations.filter((c) => c.messages?.some((m) => m.by === 'handoff')).length, 0.5, 0.68);

// Held-out questions

const held = { zh: 0, en: 0 };
let outside = 0;
const asked = new Set();
read('questions.tsv').split('\n').forEach((text, i, all) => {
    if (text === '' && i === all.length - 1) return;
    const where = `questions.tsv:${i + 1}`;
    const cells = text.split('\t');
    if (cells.length !== 2 || !cells.every(filled)) return fault(where, 'two columns are wanted');
    const [id, question] = cells;
    const language = has_han(question) ? 'zh' : 'en';
    const stored = wordings[language].get(plain(question));
    if (stored) fault(where, `"${question}" is stored in ${stored}`);
    if (asked.has(plain(question))) fault(where, `"${question}" is there twice`);
    asked.add(plain(question));
    if (id === '-') return void outside++;
    const f = faqs.get(id);
    if (!f) return fault(where, `${id} does not exist`);
    if (f.language !== language) fault(where, `${id} is in the other language`);
    held[language]++;
});
at_least('questions.tsv zh', held.zh, 60);
at_least('questions.tsv en', held.en, 60);
at_least('questions.tsv out of scope', outside, 30);

// Privacy: nothing real may slip in.

for (const name of ['company.json', 'staff.json', 'contacts.jsonl', 'conversations.jsonl', 'faqs.jsonl']) {
    const text = read(name);
    for (const m of text.matchAll(/[\w.+-]+@[\w.-]+\.[a-z]+/g)) {
        if (!m[0].endsWith('.example')) fault(name, `address ${m[0]} is not under .example`);
    }
}

const counts = `${in_language('zh')}+${in_language('en')} FAQs, ${slugs['zh-CN'].size}+${slugs['en-US'].size} articles, `
    + `${contacts.length} contacts, ${conversations.length} conversations, ${held.zh}+${held.en}+${outside} questions`;
const unique = [...new Set(faults)];
for (const f of unique) console.error(f);
console.log(unique.length ? `demo: ${unique.length} faults (${counts})` : `demo: good (${counts})`);
process.exit(unique.length ? 1 : 0);
