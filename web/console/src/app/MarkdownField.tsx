// Markdown to write, with its picture beside it or behind a tab.
import { Input, Segmented } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Markdown } from './Markdown';

interface Props {
  id?: string;
  value?: string;
  onChange?: (value: string) => void;
  rows?: number;
  disabled?: boolean;
}

export function MarkdownField({ id, value = '', onChange, rows = 10, disabled }: Props) {
  const { t } = useTranslation();
  const [shown, setShown] = useState<'write' | 'preview'>('write');
  return (
    <div className="markdown-field">
      <Segmented
        size="small"
        aria-label={t('markdown.mode')}
        value={shown}
        onChange={setShown}
        options={[
          { value: 'write', label: t('markdown.write') },
          { value: 'preview', label: t('markdown.preview') },
        ]}
      />
      {shown === 'write' ? (
        <Input.TextArea id={id} value={value} disabled={disabled} autoSize={{ minRows: rows, maxRows: 30 }} onChange={(event) => onChange?.(event.target.value)} />
      ) : (
        <div className="markdown-preview">{value.trim() ? <Markdown text={value} /> : <p className="quiet">{t('markdown.empty')}</p>}</div>
      )}
    </div>
  );
}
