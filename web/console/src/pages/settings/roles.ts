import { useTranslation } from 'react-i18next';
import type { RoleRef } from '@/api/types';

const builtIn = ['owner', 'supervisor', 'agent', 'editor', 'planner', 'finance', 'auditor'] as const;

// Built-in roles are named by the language of the page, the others as the company named them.
export function useRoleName() {
  const { t } = useTranslation();
  return (role: RoleRef) => {
    const key = builtIn.find((name) => name === role.key);
    return key ? t(`roles.builtIn.${key}`) : role.name;
  };
}

const known = [
  'company.write', 'user.read', 'user.write', 'role.read', 'role.write', 'token.write', 'audit.read', 'inbox.read', 'inbox.write', 'contact.read',
  'contact.write', 'contact.unmask', 'conversation.read', 'conversation.read_all', 'conversation.reply', 'conversation.assign', 'knowledge.read',
  'knowledge.write', 'knowledge.import', 'roster.read', 'roster.write', 'pay.read', 'pay.write', 'system.read',
] as const;

export function usePermissionName() {
  const { t } = useTranslation();
  return (permission: string) => {
    const name = known.find((other) => other === permission);
    return name ? t(`permissions.${name.replace('.', '_') as 'company_write'}`) : permission;
  };
}

const groups = ['company', 'user', 'role', 'token', 'audit', 'inbox', 'contact', 'conversation', 'knowledge', 'roster', 'pay', 'system'] as const;
export function useGroupName() {
  const { t } = useTranslation();
  return (group: string) => {
    const name = groups.find((other) => other === group);
    return name ? t(`permissionGroups.${name}`) : group;
  };
}
