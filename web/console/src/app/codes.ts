// Wrap-up codes as the company named them.
import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { list } from '@/api/http';
import type { WrapUpCode } from '@/api/types';
import { localised } from './i18n';

export const useWrapUpCodes = () =>
  useQuery({
    queryKey: ['wrap-up-codes'],
    queryFn: ({ signal }) => list<WrapUpCode>('/wrap-up-codes', { limit: 200 }, signal).then((page) => page.items.sort((a, b) => a.position - b.position)),
    staleTime: 300_000,
  });

export function useCodeName(): (code: string) => string {
  const { i18n } = useTranslation();
  const codes = useWrapUpCodes().data;
  return useCallback((code) => localised(codes?.find((other) => other.code === code)?.name) || code, [codes, i18n.language]);
}
