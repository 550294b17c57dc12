// Who may do what: every permission against every role. Built-in roles are fixed; custom ones are changed in the drawer.
import { useQuery } from '@tanstack/react-query';
import { Button, Form, Input, Skeleton } from 'antd';
import { Check, Minus, Pencil, Plus } from 'lucide-react';
import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router-dom';
import { list } from '@/api/http';
import type { Role } from '@/api/types';
import { EntryDrawer } from '@/app/EntryDrawer';
import { useSession } from '@/app/session';
import { PermissionField } from './PermissionField';
import { useGroupName, usePermissionName, useRoleName } from './roles';

// Permissions as the server lists them, in groups.
export function usePermissions() {
  const query = useQuery({
    queryKey: ['permissions'],
    staleTime: Infinity,
    queryFn: ({ signal }) => list<{ name: string }>('/permissions', undefined, signal).then((page) => page.items.map((item) => item.name)),
  });
  const groups = new Map<string, string[]>();
  for (const permission of query.data ?? []) {
    const group = permission.split('.')[0]!;
    groups.set(group, [...(groups.get(group) ?? []), permission]);
  }
  return groups;
}

export function RolesTab() {
  const { t } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const { id } = useParams();
  const roleName = useRoleName();
  const permissionName = usePermissionName();
  const groupName = useGroupName();
  const groups = usePermissions();
  const roles = useQuery({ queryKey: ['roles'], queryFn: ({ signal }) => list<Role>('/roles', { limit: 200 }, signal).then((page) => page.items) });
  const sorted = [...(roles.data ?? [])].sort((a, b) => Number(b.built_in) - Number(a.built_in) || a.id.localeCompare(b.id));
  return (
    <>
      <div className="filters">
        <p className="quiet grow">{t('roles.hint')}</p>
        {may('role.write') && <Button type="primary" icon={<Plus size={16} />} onClick={() => navigate('/settings/roles/new')}>{t('roles.new')}</Button>}
      </div>
      {roles.isPending ? (
        <Skeleton active paragraph={{ rows: 10 }} />
      ) : (
        <div className="table matrix" tabIndex={0} role="region" aria-label={t('settings.roles')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('roles.permission')}</th>
                {sorted.map((role) => (
                  <th scope="col" key={role.id}>
                    {role.built_in || !may('role.write') ? (
                      roleName(role)
                    ) : (
                      <Button size="small" type="link" icon={<Pencil size={12} />} onClick={() => navigate(`/settings/roles/${role.id}`)}>{roleName(role)}</Button>
                    )}
                    <small>{t('roles.users', { count: role.users })}</small>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {[...groups].map(([group, permissions]) => (
                <Fragment key={group}>
                  <tr className="matrix-group"><th scope="rowgroup" colSpan={sorted.length + 1}>{groupName(group)}</th></tr>
                  {permissions.map((permission) => (
                    <tr key={permission}>
                      <th scope="row">{permissionName(permission)}<small className="mono">{permission}</small></th>
                      {sorted.map((role) => (
                        <td key={role.id}>
                          {role.permissions.includes(permission) ? <Check size={17} className="yes" aria-label={t('common.yes')} /> : <Minus size={15} className="no" aria-label={t('common.no')} />}
                        </td>
                      ))}
                    </tr>
                  ))}
                </Fragment>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {id && (
        <EntryDrawer<Role>
          title={id === 'new' ? t('roles.new') : t('roles.edit')}
          collection="/roles"
          id={id === 'new' ? null : id}
          fields={['name', 'permissions']}
          fresh={{ permissions: [] }}
          write="role.write"
          locked={(role) => role.built_in}
          lists={[['roles']]}
          confirm={t('roles.delete')}
          width={560}
          close={() => navigate('/settings/roles')}
        >
          <Form.Item name="name" label={t('roles.name')} rules={[{ required: true, whitespace: true, message: t('common.required') }]}><Input maxLength={60} /></Form.Item>
          <Form.Item name="permissions" label={t('roles.permissions')}><PermissionField /></Form.Item>
        </EntryDrawer>
      )}
    </>
  );
}
