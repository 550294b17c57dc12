import { useQuery } from '@tanstack/react-query';
import { Drawer, Skeleton } from 'antd';
import { useTranslation } from 'react-i18next';
import { get } from '@/api/http';
import type { Trace } from '@/api/types';
import { TraceView } from '@/app/TraceView';

export default function TraceDrawer({ conversation, seq, close }: { conversation: string; seq: number; close: () => void }) {
  const { t } = useTranslation();
  const trace = useQuery({
    queryKey: ['trace', conversation, seq],
    queryFn: ({ signal }) => get<Trace>(`/conversations/${conversation}/trace`, { seq }, signal),
    staleTime: Infinity,
  });
  return (
    <Drawer open onClose={close} title={t('trace.title')} width={Math.min(520, window.innerWidth)}>
      {trace.data ? <TraceView trace={trace.data} /> : trace.error ? <p role="alert">{trace.error.message}</p> : <Skeleton active />}
    </Drawer>
  );
}
