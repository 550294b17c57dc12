// Light, dark or as the system; kept in the browser so that the sign-in page has it too.
import { useSyncExternalStore } from 'react';
import type { Theme } from '@/api/types';
import { type Mode, paint } from './theme';

const KEPT = 'yd-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const motion = matchMedia('(prefers-reduced-motion: reduce)');
const listeners = new Set<() => void>();

function read(): Theme {
  const kept = localStorage.getItem(KEPT);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}
let chosen = read();
let mode: Mode = 'light';

export function applyTheme(theme: Theme = chosen) {
  chosen = theme;
  localStorage.setItem(KEPT, theme);
  mode = theme === 'system' ? (system.matches ? 'dark' : 'light') : theme;
  paint(mode);
  for (const listener of listeners) listener();
}
system.addEventListener('change', () => applyTheme());
motion.addEventListener('change', () => applyTheme());

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};
export const useMode = () => useSyncExternalStore(subscribe, () => mode);
export const useChosenTheme = () => useSyncExternalStore(subscribe, () => chosen);
export const useCalm = () => useSyncExternalStore(subscribe, () => motion.matches);

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia(query);
      media.addEventListener('change', listener);
      return () => media.removeEventListener('change', listener);
    },
    () => matchMedia(query).matches,
  );
}
export const useNarrow = () => useMedia('(max-width: 767px)');
export const useWide = () => useMedia('(min-width: 1180px)');
