import { App, Button, Input, Modal, Progress, Skeleton } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { post } from '@/api/http';
import type { Agent, Conversation } from '@/api/types';
import { Avatar } from '@/app/Avatar';
import { useAgents } from '@/app/PresenceSwitch';
import { useProblem } from '@/app/problems';
import { useDesk, useSession } from '@/app/session';

const rank = { online: 0, away: 1, offline: 2 };

export default function AssignDialog({ conversation, close }: { conversation: Conversation; close: () => void }) {
  const { t } = useTranslation();
  const { desk } = useSession();
  const { message } = App.useApp();
  const tell = useProblem();
  const agents = useAgents();
  const live = useDesk((state) => state.colleagues);
  const [text, setText] = useState('');
  const [busy, setBusy] = useState<string | null>(null);
  const give = async (agent: Agent | null) => {
    setBusy(agent?.id ?? '-');
    try {
      const answer = await post<Conversation | undefined>(`/conversations/${conversation.id}/assign`, agent ? { user: agent.id } : {});
      if (answer?.id) desk.put([answer]);
      void message.success(agent ? t('assign.done', { name: agent.name }) : t('assign.queued'));
      close();
    } catch (error) {
      tell(error);
      setBusy(null);
    }
  };
  const shown = (agents.data ?? [])
    .map((agent) => ({ ...agent, presence: live.get(agent.id) ?? agent.presence }))
    .filter((agent) => agent.id !== conversation.assignee?.id && agent.name.toLowerCase().includes(text.trim().toLowerCase()))
    .sort((a, b) => rank[a.presence] - rank[b.presence] || a.load / Math.max(1, a.capacity) - b.load / Math.max(1, b.capacity));
  return (
    <Modal open title={conversation.assignee ? t('conversation.transfer') : t('conversation.assign')} onCancel={close} footer={conversation.assignee ? <Button loading={busy === '-'} onClick={() => void give(null)}>{t('assign.toQueue')}</Button> : null}>
      <Input autoFocus allowClear value={text} placeholder={t('assign.search')} aria-label={t('assign.search')} onChange={(event) => setText(event.target.value)} />
      <ul className="agents">
        {agents.isPending && <Skeleton active avatar />}
        {shown.map((agent) => (
          <li key={agent.id}>
            <button type="button" disabled={busy !== null} onClick={() => void give(agent)}>
              <span className="rail-face"><Avatar id={agent.id} name={agent.name} size={34} /><i className={`dot dot-${agent.presence}`} /></span>
              <span className="agent-name">{agent.name}<small>{t(`presence.${agent.presence}`)}</small></span>
              <Progress className="agent-load" percent={(100 * agent.load) / Math.max(1, agent.capacity)} showInfo={false} size="small" aria-label={t('presence.load', { load: agent.load, capacity: agent.capacity })} />
              <small>{`${agent.load}/${agent.capacity}`}</small>
            </button>
          </li>
        ))}
        {agents.data && shown.length === 0 && <li className="quiet">{t('common.nothing')}</li>}
      </ul>
    </Modal>
  );
}
