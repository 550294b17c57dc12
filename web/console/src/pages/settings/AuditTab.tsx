import { Input, Select } from 'antd';
import { useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '@/api/types';
import { dateTime } from '@/app/format';
import { Listing, useListing } from '@/app/Listing';

const kinds = ['user', 'token', 'system', 'visitor'] as const;

export function AuditTab() {
  const { t } = useTranslation();
  const [action, setAction] = useState('');
  const [object, setObject] = useState('');
  const [kind, setKind] = useState<string>();
  const listing = useListing<AuditEntry>(['audit'], '/audit', {
    'filter[action]': useDeferredValue(action.trim()),
    'filter[object]': useDeferredValue(object.trim()),
    'filter[actor_kind]': kind,
  });
  return (
    <>
      <div className="filters">
        <Input allowClear className="filter-text" placeholder={t('audit.action')} aria-label={t('audit.action')} value={action} onChange={(event) => setAction(event.target.value)} />
        <Input allowClear className="filter-text" placeholder={t('audit.object')} aria-label={t('audit.object')} value={object} onChange={(event) => setObject(event.target.value)} />
        <Select allowClear className="filter" placeholder={t('audit.actorKind')} aria-label={t('audit.actorKind')} value={kind} onChange={setKind} options={kinds.map((value) => ({ value, label: t(`audit.kind.${value}`) }))} />
      </div>
      <Listing
        label={t('settings.audit')}
        listing={listing}
        empty={t('common.nothing')}
        columns={[
          { title: t('audit.at'), width: 180, render: (_, entry) => <time dateTime={entry.at}>{dateTime(entry.at)}</time> },
          { title: t('audit.actor'), width: 170, render: (_, entry) => <div className="cell-main">{entry.actor || kindName(t, entry.actor_kind)}<small>{entry.address}</small></div> },
          { title: t('audit.action'), width: 190, render: (_, entry) => <span className="mono">{entry.action}</span> },
          { title: t('audit.object'), width: 190, render: (_, entry) => <span className="mono">{entry.object}</span> },
          { title: t('audit.detail'), render: (_, entry) => entry.detail != null && <code className="audit-detail">{JSON.stringify(entry.detail)}</code> },
        ]}
      />
    </>
  );
}

function kindName(t: ReturnType<typeof useTranslation>['t'], kind: string | undefined): string {
  const known = kinds.find((other) => other === kind);
  return known ? t(`audit.kind.${known}`) : (kind ?? '');
}
