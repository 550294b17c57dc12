// Shortcuts: single keys while nobody types, and Ctrl/⌘ combinations always. A page adds its own while it stands; the newest wins.
import { useEffect, useRef } from 'react';

type Keys = Record<string, (event: KeyboardEvent) => void>;
const layers: { current: Keys }[] = [];

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function nameOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.ctrlKey || event.metaKey ? `mod+${key}` : key;
}

window.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const name = nameOf(event);
  if (!name.startsWith('mod+') && name !== 'Escape') {
    if (typing(event.target)) return;
    if (document.querySelector('.ant-modal-wrap:not([style*="none"]), .ant-drawer-open')) return;
  }
  for (let i = layers.length - 1; i >= 0; i--) {
    const act = layers[i]!.current[name];
    if (!act) continue;
    event.preventDefault();
    act(event);
    return;
  }
});

export function useShortcuts(keys: Keys) {
  const layer = useRef(keys);
  layer.current = keys;
  useEffect(() => {
    layers.push(layer);
    return () => void layers.splice(layers.indexOf(layer), 1);
  }, []);
}
