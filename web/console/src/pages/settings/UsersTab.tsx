import { useQuery } from '@tanstack/react-query';
import { Button, Form, Input, InputNumber, Popconfirm, Select } from 'antd';
import { Plus } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router-dom';
import { list } from '@/api/http';
import type { Role, User } from '@/api/types';
import { Avatar } from '@/app/Avatar';
import { useSave } from '@/app/editing';
import { EntryDrawer } from '@/app/EntryDrawer';
import { ago } from '@/app/format';
import { lang } from '@/app/i18n';
import { Listing, useListing } from '@/app/Listing';
import { useSession } from '@/app/session';
import { useRoleName } from './roles';

type Edited = User & { password?: string };

export function UsersTab() {
  const { t } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const { id } = useParams();
  const roleName = useRoleName();
  const [text, setText] = useState('');
  const [state, setState] = useState<string>();
  const listing = useListing<User>(['users'], '/users', { 'filter[name]': useDeferredValue(text.trim()), 'filter[state]': state, sort: 'name' });
  const roles = useQuery({
    queryKey: ['roles', 'choice'],
    enabled: may('role.read'),
    queryFn: ({ signal }) => list<Role>('/roles', { limit: 200 }, signal).then((page) => page.items),
  });
  const close = () => navigate('/settings/users');
  return (
    <>
      <div className="filters">
        <Input.Search allowClear className="filter-text" placeholder={t('users.search')} aria-label={t('users.search')} value={text} onChange={(event) => setText(event.target.value)} />
        <Select allowClear className="filter" placeholder={t('knowledge.status')} aria-label={t('knowledge.status')} value={state} onChange={setState} options={[{ value: 'active', label: t('users.active') }, { value: 'disabled', label: t('common.disabled') }]} />
        <span className="grow" />
        {may('user.write') && <Button type="primary" icon={<Plus size={16} />} onClick={() => navigate('/settings/users/new')}>{t('users.new')}</Button>}
      </div>
      <Listing
        label={t('settings.users')}
        listing={listing}
        open={(user) => navigate(`/settings/users/${user.id}`)}
        empty={t('common.nothing')}
        columns={[
          { title: t('users.name'), render: (_, user) => <div className="cell-who"><Avatar id={user.id} name={user.name} size={34} /><span>{user.name}<small>{user.email}</small></span></div> },
          { title: t('settings.roles'), render: (_, user) => user.roles.map(roleName).join(', ') },
          { title: t('users.capacity'), width: 90, render: (_, user) => user.capacity },
          { title: t('profile.totp'), width: 110, render: (_, user) => (user.totp ? t('common.yes') : t('common.no')) },
          { title: t('users.lastSeen'), width: 130, render: (_, user) => (user.last_seen_at ? ago(user.last_seen_at) : t('common.never')) },
          { title: t('knowledge.status'), width: 100, render: (_, user) => <span className={`state ${user.state === 'active' ? 'state-open' : ''}`}>{user.state === 'active' ? t('users.active') : t('common.disabled')}</span> },
        ]}
      />
      {id && (
        <EntryDrawer<Edited>
          title={id === 'new' ? t('users.new') : t('users.edit')}
          collection="/users"
          id={id === 'new' ? null : id}
          fields={['name', 'email', 'password', 'roles', 'capacity', 'locale']}
          fresh={{ locale: lang(), capacity: 5, roles: [] }}
          toForm={(user) => ({ name: user.name, email: user.email, roles: user.roles.map((role) => role.id), capacity: user.capacity, locale: user.locale })}
          write="user.write"
          lists={[['users']]}
          close={close}
          width={560}
          extra={(user, reload) => may('user.write') && <Access user={user} reload={reload} />}
        >
          <Form.Item name="name" label={t('users.name')} rules={[{ required: true, whitespace: true, message: t('common.required') }]}><Input maxLength={120} autoComplete="off" /></Form.Item>
          <Form.Item name="email" label={t('signin.email')} rules={[{ required: true, message: t('common.required') }]}><Input type="email" autoComplete="off" /></Form.Item>
          <Form.Item name="password" label={t('signin.password')} extra={id === 'new' ? t('setup.passwordHint') : t('users.passwordHint')}><Input.Password autoComplete="new-password" /></Form.Item>
          <Form.Item name="roles" label={t('settings.roles')} rules={[{ required: true, message: t('common.required') }]}>
            <Select mode="multiple" optionFilterProp="label" aria-label={t('settings.roles')} loading={roles.isPending} options={roles.data?.map((role) => ({ value: role.id, label: roleName(role) }))} />
          </Form.Item>
          <div className="two">
            <Form.Item name="capacity" label={t('users.capacity')} extra={t('users.capacityHint')}><InputNumber min={0} max={100} aria-label={t('users.capacity')} /></Form.Item>
            <Form.Item name="locale" label={t('profile.language')}>
              <Select aria-label={t('profile.language')} options={(['zh-CN', 'en-US'] as const).map((value) => ({ value, label: t(`languages.${value}`) }))} />
            </Form.Item>
          </div>
        </EntryDrawer>
      )}
    </>
  );
}

function Access({ user, reload }: { user: User; reload: () => void }) {
  const { t } = useTranslation();
  const { session } = useSession();
  const { save, busy } = useSave();
  if (user.id === session.user.id) return null;
  const act = async (method: string, step: string) => {
    if (await save(method, `/users/${user.id}/${step}`, method === 'POST' ? {} : undefined, { lists: [['users']] })) reload();
  };
  return (
    <section className="embedding actions">
      {user.state === 'active' ? (
        <Popconfirm title={t('users.disableConfirm')} onConfirm={() => void act('POST', 'disable')}><Button danger loading={busy}>{t('users.disable')}</Button></Popconfirm>
      ) : (
        <Button loading={busy} onClick={() => void act('POST', 'enable')}>{t('users.enable')}</Button>
      )}
      {user.totp && <Popconfirm title={t('users.totpConfirm')} onConfirm={() => void act('DELETE', 'totp')}><Button loading={busy}>{t('users.totpOff')}</Button></Popconfirm>}
    </section>
  );
}
