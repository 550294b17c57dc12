import { App, Button } from 'antd';
import { Copy as CopyIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';

// A value to take along.
export function Copyable({ value, label }: { value: string; label: string }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      void message.success(t('common.copied'));
    } catch {
      void message.warning(t('common.copyByHand'));
    }
  };
  return (
    <div className="copyable">
      <code tabIndex={0}>{value}</code>
      <Button aria-label={`${t('common.copy')}: ${label}`} icon={<CopyIcon size={15} />} onClick={() => void copy()}>{t('common.copy')}</Button>
    </div>
  );
}
