// A drawer with one thing to make or to change: reads it with its version, sends what changed, asks before it deletes or loses something.
import type { QueryKey } from '@tanstack/react-query';
import { App, Button, Drawer, Form, Popconfirm, Result, Skeleton } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { changes, useSave, useThing } from './editing';
import { useSession } from './session';

interface Props<T> {
  title: string;
  collection: string;
  id: string | null; // null: a new one
  fields: (keyof T & string)[];
  fresh: Partial<T>;
  write: string; // the permission
  lists: QueryKey[];
  confirm?: string; // asked before deleting; without it there is no deleting
  locked?: (thing: T) => boolean;
  toForm?: (thing: T) => Record<string, unknown>;
  toBody?: (values: Record<string, unknown>) => Record<string, unknown>;
  saved?: (thing: T) => void; // instead of closing
  extra?: (thing: T, reload: () => void) => ReactNode;
  width?: number;
  close: () => void;
  children: ReactNode | ((thing: T | null) => ReactNode);
}

export function EntryDrawer<T extends object>(props: Props<T>) {
  const { title, collection, id, fields, fresh, write, lists, confirm, close } = props;
  const { t } = useTranslation();
  const { may } = useSession();
  const { modal } = App.useApp();
  const [form] = Form.useForm();
  const [touched, setTouched] = useState(false);
  const path = id ? `${collection}/${id}` : null;
  const thing = useThing<T>(path);
  const { save, busy } = useSave();
  const data = thing.data?.data ?? null;
  const before = data ? (props.toForm?.(data) ?? pick(data, fields)) : fresh;
  const readOnly = !may(write) || (data !== null && !!props.locked?.(data));

  useEffect(() => {
    form.resetFields();
    form.setFieldsValue(before as never);
    setTouched(false);
    // When it was read, and when another version was.
  }, [thing.data, id]); // eslint-disable-line

  const leave = () => {
    if (!touched) return close();
    modal.confirm({ title: t('editing.discard'), okText: t('common.discard'), okButtonProps: { danger: true }, cancelText: t('editing.stay'), onOk: close });
  };
  const submit = async () => {
    const values = form.getFieldsValue(true) as Record<string, unknown>;
    const after = Object.fromEntries(fields.map((name) => [name, values[name]]));
    let body = id ? changes(before, after) : Object.fromEntries(Object.entries(after).filter(([, value]) => value !== undefined && value !== null && value !== ''));
    body = props.toBody?.(body) ?? body;
    if (id && Object.keys(body).length === 0) return close();
    const done = await save<T>(id ? 'PATCH' : 'POST', path ?? collection, body, { form, lists }, thing.data?.etag);
    if (!done) return;
    if (props.saved) props.saved(done);
    else close();
  };
  const drop = async () => {
    if (await save('DELETE', path!, undefined, { lists, said: t('common.deleted') }, thing.data?.etag)) close();
  };
  const { children } = props;
  return (
    <Drawer
      open
      title={title}
      width={Math.min(props.width ?? 640, window.innerWidth)}
      onClose={leave}
      footer={
        readOnly ? null : (
          <div className="actions">
            <Button type="primary" loading={busy} onClick={() => form.submit()}>{id ? t('common.save') : t('common.create')}</Button>
            <Button onClick={leave}>{t('common.cancel')}</Button>
            <span className="grow" />
            {id && confirm && (
              <Popconfirm title={confirm} okText={t('common.delete')} okButtonProps={{ danger: true }} onConfirm={() => void drop()}>
                <Button danger type="text">{t('common.delete')}</Button>
              </Popconfirm>
            )}
          </div>
        )
      }
    >
      {thing.error ? (
        <Result status="warning" title={thing.error.message} />
      ) : id && !data ? (
        <Skeleton active paragraph={{ rows: 8 }} />
      ) : (
        <Form form={form} layout="vertical" requiredMark={false} disabled={readOnly} initialValues={before} onValuesChange={() => setTouched(true)} onFinish={() => void submit()}>
          {typeof children === 'function' ? children(data) : children}
        </Form>
      )}
      {data && props.extra?.(data, () => void thing.refetch())}
    </Drawer>
  );
}

function pick<T extends object>(from: T, names: (keyof T & string)[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}
