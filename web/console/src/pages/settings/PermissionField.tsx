import { Checkbox } from 'antd';
import { useSession } from '@/app/session';
import { usePermissions } from './RolesTab';
import { useGroupName, usePermissionName } from './roles';

// Checkboxes in groups. Nobody gives more than they have, so what one lacks cannot be ticked.
export function PermissionField({ value = [], onChange }: { value?: string[]; onChange?: (value: string[]) => void }) {
  const { may } = useSession();
  const groups = usePermissions();
  const groupName = useGroupName();
  const permissionName = usePermissionName();
  return (
    <div className="permissions">
      {[...groups].map(([group, permissions]) => (
        <fieldset key={group}>
          <legend>{groupName(group)}</legend>
          {permissions.map((permission) => (
            <Checkbox
              key={permission}
              checked={value.includes(permission)}
              disabled={!may(permission) && !value.includes(permission)}
              onChange={(event) => onChange?.(event.target.checked ? [...value, permission] : value.filter((other) => other !== permission))}
            >
              {permissionName(permission)}
            </Checkbox>
          ))}
        </fieldset>
      ))}
    </div>
  );
}
