// Ready for conversations or not, with the load that one carries.
import { useQuery } from '@tanstack/react-query';
import { Dropdown } from 'antd';
import { useTranslation } from 'react-i18next';
import { list } from '@/api/http';
import type { Agent, Presence } from '@/api/types';
import { useCounts } from './active';
import { Avatar } from './Avatar';
import { useDesk, useSession } from './session';

const states: Presence[] = ['online', 'away', 'offline'];

export const useAgents = (refresh = 15_000) =>
  useQuery({
    queryKey: ['agents'],
    queryFn: ({ signal }) => list<Agent>('/agents', { limit: 200 }, signal).then((page) => page.items),
    refetchInterval: refresh,
  });

export function PresenceSwitch() {
  const { t } = useTranslation();
  const { desk, session } = useSession();
  const presence = useDesk((state) => state.presence);
  const { load } = useCounts();
  const capacity = session.user.capacity;
  const choose = (state: Presence) => {
    desk.setPresence(state);
    // The first time that somebody goes online is the moment to ask: they know then what the notices are for.
    if (state === 'online' && 'Notification' in window && Notification.permission === 'default') void Notification.requestPermission();
  };
  const busy = t('presence.load', { load, capacity });
  return (
    <Dropdown
      trigger={['click']}
      placement="topLeft"
      menu={{
        selectedKeys: [presence],
        onClick: ({ key }) => choose(key as Presence),
        items: [
          { key: 'who', type: 'group', label: `${session.user.name} · ${busy}` },
          ...states.map((state) => ({ key: state, label: t(`presence.${state}`), icon: <i className={`dot dot-${state}`} /> })),
        ],
      }}
    >
      <button type="button" className="rail-presence">
        <span className="unseen">{t('presence.switch')}</span>
        <span className="rail-face">
          <Avatar id={session.user.id} name={session.user.name} size={34} />
          <i className={`dot dot-${presence}`} />
        </span>
        <span>{t(`presence.${presence}`)}</span>
        <small>{`${load}/${capacity}`}</small>
      </button>
    </Dropdown>
  );
}
