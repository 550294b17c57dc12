// The texts that people read, in two languages.
import en from './locales/en-US.json';
import zh from './locales/zh-CN.json';

export type Key = keyof typeof en;
let current: 'zh-CN' | 'en-US' = 'en-US';

export function setLocale(tag: string | null | undefined) {
  current = /^zh/i.test(tag || '') ? 'zh-CN' : 'en-US';
}
export const locale = () => current;
export function say(key: Key, ...args: (string | number)[]): string {
  const text = (current === 'zh-CN' ? zh : en)[key];
  return args.reduce<string>((t, a, i) => t.replace(`{${i}}`, String(a)), text);
}
export function clock(at: string): string {
  return new Date(at).toLocaleTimeString(current, { hour: '2-digit', minute: '2-digit' });
}
export function day(at: string): string {
  const d = new Date(at), today = new Date();
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(d).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return say('today');
  if (days === 1) return say('yesterday');
  return d.toLocaleDateString(current, { month: 'long', day: 'numeric', ...(d.getFullYear() !== today.getFullYear() ? { year: 'numeric' } : {}) });
}
export function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
