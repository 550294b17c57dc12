// The desk: the list, the conversation, the customer. On a phone one of them at a time.
import { Drawer } from 'antd';
import { Suspense, useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router-dom';
import { useCounts } from '@/app/active';
import { useNarrow, useWide } from '@/app/appearance';
import { useShortcuts } from '@/app/keys';
import { lazily } from '@/app/lazily';
import { useDesk, useSession } from '@/app/session';
import { ConversationList } from './ConversationList';
import './inbox.css';
import { isView, useView, type View } from './views';

const ConversationPane = lazily(() => import('./ConversationPane'), true);
const Details = lazily(() => import('./Details'), true);

export default function InboxPage() {
  const { t } = useTranslation();
  const params = useParams();
  const view: View = isView(params.view) ? params.view : 'mine';
  const id = params.id ?? null;
  const navigate = useNavigate();
  const { desk } = useSession();
  const narrow = useNarrow();
  const wide = useWide();
  const [text, setText] = useState('');
  const [details, setDetails] = useState(false);
  const { items, query } = useView(view, text);
  const known = useDesk((state) => (id ? state.conversations.has(id) : true));
  const go = useCallback((to: View, conversation?: string) => navigate(`/inbox/${to}${conversation ? `/${conversation}` : ''}`), [navigate]);

  useEffect(() => {
    desk.open(id);
    return () => desk.open(null);
  }, [desk, id]);
  useEffect(() => setDetails(false), [id]);

  const step = (by: number) => {
    const at = items.findIndex((conversation) => conversation.id === id);
    const next = items[at < 0 ? 0 : Math.min(Math.max(at + by, 0), items.length - 1)];
    if (next) go(view, next.id);
  };
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    '/': () => document.getElementById('conversation-search')?.focus(),
    Escape: () => {
      const active = document.activeElement;
      if (active instanceof HTMLElement && active !== document.body) active.blur();
      else if (id) go(view);
    },
  });

  const pane = id && (
    <Suspense fallback={null}>
      <ConversationPane key={id} id={id} back={() => go(view)} showDetails={wide ? undefined : () => setDetails(true)} />
    </Suspense>
  );
  const side = id && known && (
    <Suspense fallback={null}>
      <Details id={id} />
    </Suspense>
  );
  return (
    <div className={`inbox ${wide && id ? 'inbox-three' : ''}`}>
      {(!narrow || !id) && (
        <ConversationList view={view} selected={id} items={items} query={query} text={text} setText={setText} go={go} />
      )}
      {(!narrow || id) && (
        <section className="pane" aria-label={t('inbox.conversation')}>
          {pane || <Nothing />}
        </section>
      )}
      {wide ? (
        side && <aside className="details" aria-label={t('details.title')}>{side}</aside>
      ) : (
        <Drawer open={details} onClose={() => setDetails(false)} title={t('details.title')} width={Math.min(360, window.innerWidth)} styles={{ body: { padding: 0 } }}>
          {details && side}
        </Drawer>
      )}
    </div>
  );
}

function Nothing() {
  const { t } = useTranslation();
  const { queued } = useCounts();
  return (
    <div className="pane-empty">
      <svg viewBox="0 0 120 90" width="150" aria-hidden="true">
        <rect x="8" y="10" width="70" height="40" rx="13" fill="var(--jade-soft)" />
        <rect x="42" y="40" width="70" height="40" rx="13" fill="var(--surface)" stroke="var(--line)" strokeWidth="2" />
        <path d="M22 26h40M22 35h26" stroke="var(--jade)" strokeWidth="4" strokeLinecap="round" />
        <path d="M56 56h40M56 65h22" stroke="var(--faint)" strokeWidth="4" strokeLinecap="round" />
      </svg>
      <h2>{t('inbox.choose')}</h2>
      <p>{queued > 0 ? t('inbox.queueWaits', { count: queued }) : t('inbox.queueEmpty')}</p>
      <p className="quiet">{t('inbox.keysHint')}</p>
    </div>
  );
}
