// How a refused request is told: fields get their own words, the rest is a short message.
import { App, type FormInstance } from 'antd';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '@/api/http';

export function useProblem() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const say = useCallback(
    (error: unknown): string => {
      if (!(error instanceof Problem)) return error instanceof Error ? error.message : String(error);
      if (error.status === 0) return t('problem.offline');
      return [error.message, error.detail].filter(Boolean).join(' · ');
    },
    [t],
  );
  return useCallback(
    (error: unknown, form?: FormInstance) => {
      if (error instanceof Error && error.name === 'AbortError') return;
      if (form && error instanceof Problem && error.fields.length > 0) {
        const known = Object.keys(form.getFieldsValue(true) as object);
        form.setFields(error.fields.map(({ field, title }) => ({ name: nameOf(field), errors: [title] })));
        if (error.fields.every(({ field }) => known.includes(field.split('/')[0]!))) return;
        void message.error(error.fields.map(({ field, title }) => `${field}: ${title}`).join(' · '));
        return;
      }
      void message.error(say(error));
    },
    [message, say],
  );
}

// "greeting/zh_CN" is a nested field; "origins/2" belongs to the list as a whole.
function nameOf(pointer: string): (string | number)[] {
  const parts = pointer.split('/');
  const cut = parts.findIndex((part) => /^\d+$/.test(part));
  return cut < 0 ? parts : parts.slice(0, cut);
}
