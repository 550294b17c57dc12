// Changing a thing: it is read with its version, only what was changed is sent, and a change by somebody else in between is told.
import { type QueryKey, useQuery, useQueryClient } from '@tanstack/react-query';
import { App, type FormInstance } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, Problem } from '@/api/http';
import { useProblem } from './problems';

export function useThing<T>(path: string | null) {
  return useQuery({
    queryKey: ['thing', path],
    enabled: path !== null,
    queryFn: ({ signal }) => call<T>('GET', path!, { signal }),
    staleTime: 0,
    gcTime: 0,
  });
}

const same = (a: unknown, b: unknown): boolean => a === b || (a ?? '') === (b ?? '') || JSON.stringify(a) === JSON.stringify(b);

// The members of `after` that differ from `before`. Masked values that nobody touched are not among them, so they are never written back.
export function changes(before: object, after: object): Record<string, unknown> {
  const old = before as Record<string, unknown>;
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => value !== undefined && !same(old[name], value)));
}

interface Saving {
  form?: FormInstance;
  lists: QueryKey[]; // what must be read again
  said?: string;
}

export function useSave() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const tell = useProblem();
  const [busy, setBusy] = useState(false);
  // The server's answer, or undefined when it refused (which has been told).
  const save = async <R>(method: string, path: string, body: unknown, { form, lists, said }: Saving, etag?: string | null): Promise<R | undefined> => {
    setBusy(true);
    try {
      const { data } = await call<R>(method, path, { body, etag });
      await Promise.all(lists.map((key) => queries.invalidateQueries({ queryKey: key })));
      if (said !== '') void message.success(said ?? t('common.saved'));
      return data ?? ({} as R);
    } catch (error) {
      if (error instanceof Problem && error.status === 412) {
        void message.warning(t('problem.changed'));
        await queries.invalidateQueries({ queryKey: ['thing', path] });
      } else tell(error, form);
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  return { save, busy };
}
