// The page before the console: the mark, one form, the other language.
import { Button } from 'antd';
import { Languages } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { lang, setLang } from '@/app/i18n';
import { Logo } from '@/app/Logo';

export function Door({ title, hint, children }: { title: string; hint: string; children: ReactNode }) {
  const { t } = useTranslation();
  const other = lang() === 'zh-CN' ? 'en-US' : 'zh-CN';
  return (
    <main className="door">
      <section className="door-card">
        <header>
          <Logo size={44} />
          <h1>{title}</h1>
          <p>{hint}</p>
        </header>
        {children}
      </section>
      <Button type="text" lang={other} icon={<Languages size={16} aria-hidden />} onClick={() => void setLang(other)}>
        {t(`languages.${other}`)}
      </Button>
    </main>
  );
}
