// Two languages, both complete; the texts stand in src/locales. The other language is loaded when it is chosen, and the pages follow at once.
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Lang, Localised } from '@/api/types';
import { setHttpLocale } from '@/api/http';
import type zh from '@/locales/zh-CN.json';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof zh };
    returnNull: false;
  }
}

const loaders: Record<Lang, () => Promise<{ default: typeof zh }>> = {
  'zh-CN': () => import('@/locales/zh-CN.json'),
  'en-US': () => import('@/locales/en-US.json'),
};
const KEPT = 'yd-locale';

export function preferredLang(): Lang {
  const kept = localStorage.getItem(KEPT);
  if (kept === 'zh-CN' || kept === 'en-US') return kept;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en-US';
}

export async function setLang(lang: Lang) {
  setHttpLocale(lang);
  localStorage.setItem(KEPT, lang);
  if (!i18next.hasResourceBundle(lang, 'translation')) {
    const texts = await loaders[lang]();
    i18next.addResourceBundle(lang, 'translation', texts.default);
  }
  document.documentElement.lang = lang;
  await i18next.changeLanguage(lang);
}

export async function startI18n() {
  await i18next.use(initReactI18next).init({ resources: {}, fallbackLng: false, interpolation: { escapeValue: false } });
  await setLang(preferredLang());
}

export const lang = (): Lang => (i18next.language === 'zh-CN' ? 'zh-CN' : 'en-US');

// A text that the company wrote in one or both languages.
export function localised(value: Localised | null | undefined): string {
  if (!value) return '';
  return (lang() === 'zh-CN' ? value.zh_CN || value.en_US : value.en_US || value.zh_CN) ?? '';
}
