// One script tag puts the widget on a page:
//     <script src="https://service.example/widget.js" data-inbox="KEY" async></script>
// Further attributes: data-locale (zh-CN, en-US; else the page's language), data-color, data-side (left, right), data-theme (light, dark), data-launcher="off".
// It lives in a shadow root with a constructed style sheet, so it needs neither inline styles nor inline scripts from the page's CSP.
// The page talks to it by window.Yingda: open(), close(), identify({id,name,email,phone,hash}), locale(tag), on('unread', fn).
import { render } from 'preact';
import { connect, connectionSetup, identify } from './connection';
import { keepSetup, kept } from './keep';
import { Widget, setOpen } from './panel';
import { change, state, watch } from './state';
import { setLocale } from './text';
import style from './style.css';
import type { Identity } from './wire';

declare global {
  interface Window { Yingda?: unknown; YingdaIdentity?: Identity }
}

function start(script: HTMLScriptElement) {
  const set = script.dataset;
  const inbox = set.inbox;
  if (!inbox || window.Yingda) return;
  const base = new URL(script.src).origin;
  keepSetup(inbox);
  const pick = (tag?: string) => setLocale(tag || set.locale || document.documentElement.lang || navigator.language);
  pick();

  const host = document.createElement('yingda-widget');
  const root = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  root.adoptedStyleSheets = [sheet];
  const paint = () => {
    const color = state.now.inbox?.color || kept().color || set.color || '#2f6b4f';
    host.style.setProperty('--brand', color);
    host.style.setProperty('--on-brand', light(color) ? '#10201a' : '#ffffff');
  };
  if (set.theme) host.setAttribute('theme', set.theme);
  if (set.side === 'left') host.setAttribute('side', 'left');
  const listeners: ((n: number) => void)[] = [];
  connectionSetup(base, inbox, window.YingdaIdentity, () => listeners.forEach((l) => l(state.now.unread)));
  paint();
  watch(paint);
  document.body.append(host);
  const mount = document.createElement('div');
  root.append(mount);
  render(<Widget launcher={set.launcher !== 'off'} />, mount);
  window.Yingda = {
    open: () => setOpen(true),
    close: () => setOpen(false),
    identify: (who: Identity) => identify(who),
    locale: (tag: string) => { pick(tag); change({}); },
    on: (event: string, listener: (n: number) => void) => event === 'unread' && listeners.push(listener),
  };
  // A visitor who was here before hears of answers without opening the panel; a new one costs no connection.
  if (kept().token) (window.requestIdleCallback || setTimeout)(() => connect());
  if (kept().open && innerWidth > 600) setOpen(true);
  dispatchEvent(new Event('yingda:ready'));
}
// WCAG relative luminance, to put dark letters on light colours.
function light(color: string): boolean {
  const n = parseInt(color.slice(1), 16);
  const part = (v: number) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part((n >> 16) & 255) + 0.7152 * part((n >> 8) & 255) + 0.0722 * part(n & 255) > 0.36;
}
const script = (document.currentScript || document.querySelector('script[data-inbox]')) as HTMLScriptElement | null;
if (script) {
  if (document.body) start(script);
  else addEventListener('DOMContentLoaded', () => start(script));
}
