import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App as AntApp, ConfigProvider } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { BrowserRouter } from 'react-router-dom';
import { Problem } from '@/api/http';
import { useCalm, useMode } from './appearance';
import { Gate } from './Gate';
import { antdTheme } from './theme';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // What the server refuses stays refused; what did not reach it is tried again.
      retry: (count, error) => count < 4 && error instanceof Problem && (error.status === 0 || error.status >= 500),
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 15_000),
      refetchOnWindowFocus: false,
    },
  },
});

export function App() {
  const { t, i18n } = useTranslation();
  const mode = useMode();
  const calm = useCalm();
  const theme = useMemo(() => antdTheme(mode, calm), [mode, calm]);
  // antd names its close buttons in English only.
  const close = useMemo(() => ({ closable: { 'aria-label': t('common.close') } }), [t]);
  return (
    <ConfigProvider theme={theme} locale={i18n.language === 'zh-CN' ? zhCN : enUS} button={{ autoInsertSpace: false }} modal={close} drawer={close}>
      <AntApp component={false} message={{ maxCount: 3 }}>
        <QueryClientProvider client={queries}>
          <BrowserRouter basename="/console" future={{ v7_startTransition: true, v7_relativeSplatPath: true }}>
            <Gate />
          </BrowserRouter>
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}
