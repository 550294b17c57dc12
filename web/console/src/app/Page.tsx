import type { ReactNode } from 'react';

export function Page({ title, hint, actions, children }: { title: string; hint?: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="page">
      <header className="page-head">
        <h1>{title}</h1>
        <span className="grow" />
        {actions}
        {hint && <p>{hint}</p>}
      </header>
      {children}
    </div>
  );
}
