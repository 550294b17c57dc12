// One conversation: who it is with, what may be done, what was said, and the place to answer.
import { useQuery } from '@tanstack/react-query';
import { App, Button, Dropdown, Result, Skeleton, Tooltip } from 'antd';
import { ArrowLeft, CheckCircle2, Clock3, Ellipsis, Eye, Hand, PanelRight, RotateCcw, UserRoundPlus } from 'lucide-react';
import { Suspense, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { get, post, Problem } from '@/api/http';
import type { Conversation } from '@/api/types';
import { Avatar } from '@/app/Avatar';
import { useNarrow } from '@/app/appearance';
import { useShortcuts } from '@/app/keys';
import { lazily } from '@/app/lazily';
import { useProblem } from '@/app/problems';
import { useDesk, useSession } from '@/app/session';
import { Composer, type ComposerHandle } from './Composer';
import { Transcript } from './Transcript';

const ResolveDialog = lazily(() => import('./ResolveDialog'), true);
const AssignDialog = lazily(() => import('./AssignDialog'), true);

export function useConversation(id: string) {
  const { desk } = useSession();
  const known = useDesk((state) => state.conversations.get(id));
  const read = useQuery({
    queryKey: ['conversation', id],
    queryFn: async ({ signal }) => {
      const conversation = await get<Conversation>(`/conversations/${id}`, undefined, signal);
      desk.put([conversation]);
      return conversation;
    },
  });
  return { conversation: known ?? read.data, error: known ? null : read.error };
}

export default function ConversationPane({ id, back, showDetails }: { id: string; back: () => void; showDetails?: () => void }) {
  const { t } = useTranslation();
  const { conversation, error } = useConversation(id);
  if (error)
    return (
      <Result
        status={error instanceof Problem && error.status === 404 ? '404' : 'warning'}
        title={error.message}
        extra={<Button onClick={back}>{t('common.back')}</Button>}
      />
    );
  if (!conversation) return <Skeleton className="pane-wait" avatar active paragraph={{ rows: 6 }} />;
  return <Opened conversation={conversation} back={back} showDetails={showDetails} />;
}

type Step = 'take' | 'pending' | 'reopen';

function Opened({ conversation, back, showDetails }: { conversation: Conversation; back: () => void; showDetails?: () => void }) {
  const { t } = useTranslation();
  const { desk, session, may } = useSession();
  const { message } = App.useApp();
  const narrow = useNarrow();
  const tell = useProblem();
  const [dialog, setDialog] = useState<'resolve' | 'assign' | null>(null);
  const [busy, setBusy] = useState<Step | null>(null);
  const composer = useRef<ComposerHandle>(null);
  const { id, state } = conversation;
  const mine = conversation.assignee?.id === session.user.id;
  const reply = may('conversation.reply');
  const can = {
    take: reply && !mine && state !== 'resolved',
    assign: may('conversation.assign') && state !== 'resolved',
    pending: reply && mine && state === 'open',
    reopen: reply && (state === 'resolved' || state === 'pending'),
    resolve: reply && (state === 'open' || state === 'pending'),
  };
  const act = async (step: Step) => {
    setBusy(step);
    try {
      const answer = await post<Conversation | undefined>(`/conversations/${id}/${step}`);
      if (answer?.id) desk.put([answer]);
      if (step === 'take') composer.current?.focus('text');
    } catch (error) {
      tell(error);
    } finally {
      setBusy(null);
    }
  };
  useShortcuts({
    r: () => composer.current?.focus('text'),
    n: () => composer.current?.focus('note'),
    e: () => (can.resolve ? setDialog('resolve') : void message.info(t('conversation.cannotResolve'))),
    a: () => can.assign && setDialog('assign'),
    t: () => can.take && void act('take'),
  });
  const more = [
    can.assign && { key: 'assign', label: conversation.assignee ? t('conversation.transfer') : t('conversation.assign'), icon: <UserRoundPlus size={15} /> },
    can.pending && { key: 'pending', label: t('conversation.pending'), icon: <Clock3 size={15} /> },
    can.reopen && state === 'pending' && { key: 'reopen', label: t('conversation.reopen'), icon: <RotateCcw size={15} /> },
  ].filter((item) => !!item);
  const name = conversation.contact.name || t('contact.nameless');
  const Heading = narrow ? 'h1' : 'h2'; // on a phone the list and its heading are away
  return (
    <>
      <header className="pane-head">
        {narrow && <Button type="text" aria-label={t('common.back')} icon={<ArrowLeft size={20} />} onClick={back} />}
        <Avatar id={conversation.contact.id} name={name} size={36} />
        <div className="pane-who">
          <Heading>{name}</Heading>
          <p>
            <span className={`state state-${state}`}>{t(`state.${state}`)}</span>
            <span className="pane-inbox">{conversation.inbox.name}</span>
            {conversation.assignee && <span>{conversation.assignee.name}</span>}
          </p>
        </div>
        <Viewers id={id} />
        {can.take && <Button type={state === 'queued' || state === 'bot' ? 'primary' : 'default'} loading={busy === 'take'} icon={<Hand size={16} />} onClick={() => void act('take')}>{t('conversation.take')}</Button>}
        {can.reopen && state === 'resolved' && <Button loading={busy === 'reopen'} icon={<RotateCcw size={16} />} onClick={() => void act('reopen')}>{t('conversation.reopen')}</Button>}
        {can.resolve && <Button type={mine ? 'primary' : 'default'} icon={<CheckCircle2 size={16} />} onClick={() => setDialog('resolve')}>{t('conversation.resolve')}</Button>}
        {more.length > 0 && (
          <Dropdown trigger={['click']} menu={{ items: more, onClick: ({ key }) => (key === 'assign' ? setDialog('assign') : void act(key as Step)) }}>
            <Button type="text" aria-label={t('conversation.more')} icon={<Ellipsis size={20} />} />
          </Dropdown>
        )}
        {showDetails && <Button type="text" aria-label={t('details.title')} icon={<PanelRight size={20} />} onClick={showDetails} />}
      </header>
      <Transcript conversation={conversation} />
      <Composer key={id} ref={composer} conversation={conversation} mine={mine} take={can.take ? () => void act('take') : undefined} />
      <Suspense fallback={null}>
        {dialog === 'resolve' && <ResolveDialog conversation={conversation} close={() => setDialog(null)} />}
        {dialog === 'assign' && <AssignDialog conversation={conversation} close={() => setDialog(null)} />}
      </Suspense>
    </>
  );
}

function Viewers({ id }: { id: string }) {
  const { t } = useTranslation();
  const viewers = useDesk((state) => state.viewers.get(id));
  const [shown, setShown] = useState(viewers);
  // People who only pass by do not make the head flicker.
  useEffect(() => {
    const timer = setTimeout(() => setShown(viewers), 400);
    return () => clearTimeout(timer);
  }, [viewers]);
  if (!shown?.length) return null;
  const names = shown.map((viewer) => viewer.name).join(', ');
  return (
    <Tooltip title={t('conversation.viewedBy', { names })}>
      <span className="viewers" role="img" aria-label={t('conversation.viewedBy', { names })}>
        <Eye size={15} />
        {shown.slice(0, 3).map((viewer) => <Avatar key={viewer.id} id={viewer.id} name={viewer.name} size={24} />)}
      </span>
    </Tooltip>
  );
}
