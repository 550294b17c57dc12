import { useQuery } from '@tanstack/react-query';
import { Button, Skeleton } from 'antd';
import { MonitorSmartphone } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { list } from '@/api/http';
import type { DeviceSession } from '@/api/types';
import { useSave } from '@/app/editing';
import { ago } from '@/app/format';

// "Chrome · Windows" out of what a browser says of itself; an unknown one as it is.
function deviceName(agent: string): string {
  const browser = /Edg\//.test(agent) ? 'Edge' : /Firefox\//.test(agent) ? 'Firefox' : /Chrom(e|ium)\//.test(agent) ? 'Chrome' : /Safari\//.test(agent) ? 'Safari' : '';
  const system = /Windows/.test(agent) ? 'Windows' : /iPhone|iPad/.test(agent) ? 'iOS' : /Android/.test(agent) ? 'Android' : /Mac OS/.test(agent) ? 'macOS' : /Linux/.test(agent) ? 'Linux' : '';
  return [browser, system].filter(Boolean).join(' · ') || agent.slice(0, 60);
}

export function Sessions() {
  const { t } = useTranslation();
  const { save, busy } = useSave();
  const sessions = useQuery({ queryKey: ['my-sessions'], queryFn: ({ signal }) => list<DeviceSession>('/me/sessions', undefined, signal).then((page) => page.items) });
  return (
    <section className="card">
      <h2>{t('sessions.title')}</h2>
      <p>{t('sessions.hint')}</p>
      {sessions.isPending && <Skeleton active />}
      <ul className="sessions">
        {sessions.data?.map((session) => (
          <li key={session.id}>
            <MonitorSmartphone size={20} aria-hidden />
            <span>
              {deviceName(session.device ?? '')}
              <small>{[session.address, session.current ? t('sessions.current') : ago(session.seen_at)].filter(Boolean).join(' · ')}</small>
            </span>
            {!session.current && (
              <Button size="small" disabled={busy} onClick={() => void save('DELETE', `/me/sessions/${session.id}`, undefined, { lists: [['my-sessions']], said: t('sessions.ended') })}>{t('sessions.end')}</Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
