// Times and sizes as people read them, in the language of the page.
import { lang } from './i18n';

const formats = new Map<string, Intl.DateTimeFormat>();
function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${lang()}:${name}`;
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(lang(), options)));
  return made;
}

export const clock = (at: string) => format('clock', { hour: '2-digit', minute: '2-digit', hour12: false }).format(new Date(at));
export const dateTime = (at: string) =>
  format('full', { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false }).format(new Date(at));
export const day = (at: string) => format('day', { year: 'numeric', month: 'long', day: 'numeric', weekday: 'long' }).format(new Date(at));

export const dayKey = (at: string) => {
  const date = new Date(at);
  return date.getFullYear() * 10_000 + date.getMonth() * 100 + date.getDate();
};

// Today: the time; this year: the day; before that: the year too.
export function shortTime(at: string, now = Date.now()): string {
  const today = dayKey(new Date(now).toISOString());
  if (dayKey(at) === today) return clock(at);
  const date = new Date(at);
  if (date.getFullYear() === new Date(now).getFullYear()) return format('short', { month: 'short', day: 'numeric' }).format(date);
  return format('year', { year: 'numeric', month: 'short', day: 'numeric' }).format(date);
}

export function relativeDay(at: string, now = Date.now()): string {
  const start = (time: number) => new Date(time).setHours(0, 0, 0, 0);
  const days = Math.round((start(new Date(at).getTime()) - start(now)) / 86_400_000);
  if (days === 0 || days === -1) return new Intl.RelativeTimeFormat(lang(), { numeric: 'auto' }).format(days, 'day');
  return day(at);
}

export function ago(at: string, now = Date.now()): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000);
  const relative = new Intl.RelativeTimeFormat(lang(), { numeric: 'auto', style: 'short' });
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3600], ['minute', 60]];
  for (const [unit, length] of steps) if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  return relative.format(0, 'second');
}

// A waiting time: 45s, 12m, 3h, 2d.
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(lang(), { style: 'unit', unit: name, unitDisplay: 'narrow' }).format(value);
  if (seconds < 60) return unit(seconds, 'second');
  if (seconds < 3600) return unit(Math.floor(seconds / 60), 'minute');
  if (seconds < 86_400) return unit(Math.floor(seconds / 3600), 'hour');
  return unit(Math.floor(seconds / 86_400), 'day');
}

export function bytes(size: number): string {
  const step = size < 1024 ? 0 : size < 1024 ** 2 ? 1 : 2;
  const name = ['byte', 'kilobyte', 'megabyte'][step];
  return new Intl.NumberFormat(lang(), { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: 1 }).format(size / 1024 ** step);
}

export const thousandths = (score: number) => (score / 1000).toFixed(3);
