// Parts that are loaded when they are needed, and in quiet moments before: somebody who goes offline can still open a dialog. A part that cannot be
// loaded is tried again; when the server has another version by now, the page is taken anew (drafts and unsent letters are in storage).
import { type ComponentType, lazy } from 'react';

type Load<P> = () => Promise<{ default: ComponentType<P> }>;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function outdated(): Promise<boolean> {
  const entry = document.querySelector<HTMLScriptElement>('script[type="module"][src]')?.getAttribute('src');
  if (!entry || !import.meta.env.PROD) return false;
  try {
    const page = await fetch(import.meta.env.BASE_URL, { cache: 'no-store' });
    return page.ok && !(await page.text()).includes(entry);
  } catch {
    return false;
  }
}

async function persist<P>(load: Load<P>): Promise<{ default: ComponentType<P> }> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await load();
    } catch (error) {
      if (attempt >= 1 && (await outdated())) location.reload();
      if (attempt >= 40) throw error;
      await sleep(Math.min(500 * 2 ** attempt, 15_000));
    }
  }
}

const quiet = (fn: () => void) => (window.requestIdleCallback ? window.requestIdleCallback(fn, { timeout: 5000 }) : setTimeout(fn, 2000));

export function lazily<P>(load: Load<P>, early = false) {
  if (early) quiet(() => void load().catch(() => {}));
  return lazy(() => persist(load));
}
