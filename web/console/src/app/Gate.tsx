// What a person meets at the door: the first-start setup, the sign-in, or the console.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Result, Spin } from 'antd';
import { Suspense, useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useNavigate } from 'react-router-dom';
import { get, onSignedOut, Problem, remove, setCsrf } from '@/api/http';
import { browserWorld } from '@/api/live/connection';
import { Desk } from '@/api/live/desk';
import type { Session } from '@/api/types';
import { applyTheme } from './appearance';
import { lang, setLang } from './i18n';
import { lazily } from './lazily';
import { SessionContext, type SignedIn } from './session';

const SignInPage = lazily(() => import('@/pages/signin/SignInPage'));
const SetupPage = lazily(() => import('@/pages/signin/SetupPage'));
const Shell = lazily(() => import('./Shell'));

type Door = { kind: 'session'; session: Session } | { kind: 'sign-in' } | { kind: 'setup' };

async function look(): Promise<Door> {
  try {
    const session = await get<Session>('/session');
    setCsrf(session.csrf);
    return { kind: 'session', session };
  } catch (error) {
    if (!(error instanceof Problem) || error.status === 0 || error.status >= 500) throw error;
    const setup = await get<{ needed: boolean }>('/setup');
    return { kind: setup.needed ? 'setup' : 'sign-in' };
  }
}

export function Gate() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const door = useQuery({ queryKey: ['door'], queryFn: look, staleTime: Infinity, gcTime: Infinity });
  const again = () => queries.invalidateQueries({ queryKey: ['door'] });
  if (door.isPending) return <Waiting />;
  if (!door.data)
    return (
      <main className="door">
        <Result status="warning" title={t('door.unreachable')} subTitle={t('door.unreachableHint')} extra={<Button type="primary" onClick={again}>{t('common.retry')}</Button>} />
      </main>
    );
  return (
    <Suspense fallback={<Waiting />}>
      {door.data.kind === 'setup' ? <SetupPage done={again} /> : door.data.kind === 'sign-in' ? <SignInPage done={again} /> : <Inside key={door.data.session.user.id} session={door.data.session} />}
    </Suspense>
  );
}

export function Waiting() {
  const { t } = useTranslation();
  return (
    <div className="waiting" role="status" aria-label={t('common.loading')}>
      <Spin size="large" />
    </div>
  );
}

function Inside({ session }: { session: Session }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const desk = useMemo(() => {
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws/console`;
    return new Desk(session.user.id, browserWorld(url), localStorage, lang());
  }, [session.user.id]);

  useEffect(() => {
    const out = () => {
      desk.stop();
      queries.clear();
      queries.setQueryData(['door'], { kind: 'sign-in' } satisfies Door);
    };
    onSignedOut(out);
    desk.events.signedOut = out;
    desk.events.refused = () => void look().then((door) => door.kind !== 'session' && out(), () => {});
    const wake = () => desk.wake();
    const lost = () => desk.lost();
    const seen = () => document.visibilityState === 'visible' && desk.wake();
    window.addEventListener('online', wake);
    window.addEventListener('offline', lost);
    document.addEventListener('visibilitychange', seen);
    desk.start();
    return () => {
      window.removeEventListener('online', wake);
      window.removeEventListener('offline', lost);
      document.removeEventListener('visibilitychange', seen);
      onSignedOut(() => {});
      desk.stop();
    };
  }, [desk, queries]);

  useEffect(() => {
    applyTheme(session.user.theme);
    void setLang(session.user.locale);
    desk.locale = session.user.locale;
  }, [desk, session.user.theme, session.user.locale]);

  const value = useMemo<SignedIn>(
    () => ({
      session,
      desk,
      may: (permission) => session.permissions.includes(permission),
      signOut: async () => {
        desk.setPresence('offline');
        await remove('/session');
        desk.events.signedOut();
        navigate('/');
      },
    }),
    [session, desk, navigate],
  );
  useEffect(() => void document.getElementById('main')?.scrollTo(0, 0), [pathname]);
  return (
    <SessionContext.Provider value={value}>
      <Shell />
    </SessionContext.Provider>
  );
}
