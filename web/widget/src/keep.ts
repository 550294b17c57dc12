// What outlives the page: the visitor's token, what was sent but not acknowledged, the colour. A browser without storage (private
// windows, blocked third parties) works the same, for as long as the page is open.
import type { Identity, Outgoing } from './wire';

export type Kept = { token?: string; conv?: string; color?: string; outbox: Outgoing[]; open?: boolean; identity?: Identity };
let name = '';
let memory: Kept = { outbox: [] };

export function keepSetup(inbox: string) {
  name = `yingda:${inbox}`;
  memory = read();
}
function read(): Kept {
  try {
    const v = JSON.parse(localStorage.getItem(name) || '') as Kept;
    return { ...v, outbox: Array.isArray(v.outbox) ? v.outbox : [] };
  } catch {
    return { outbox: [] };
  }
}
export const kept = () => memory;
export function keep(part: Partial<Kept>) {
  memory = { ...memory, ...part };
  try {
    localStorage.setItem(name, JSON.stringify(memory));
  } catch {
    // no storage: memory serves
  }
}
