// A calm line while the connection is away: what is written is kept and sent afterwards, so nobody needs to reload.
import { Button } from 'antd';
import { CloudOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useDesk, useSession } from './session';

export function ConnectionBanner() {
  const { t } = useTranslation();
  const { desk } = useSession();
  const away = useDesk((state) => state.link !== 'online' && state.link !== 'stopped');
  const waiting = useDesk((state) => state.letters.filter((letter) => letter.state === 'waiting').length);
  const [shown, setShown] = useState(false);
  // A blink of less than a second is not worth a word.
  useEffect(() => {
    if (!away) return setShown(false);
    const timer = setTimeout(() => setShown(true), 1200);
    return () => clearTimeout(timer);
  }, [away]);
  return (
    <div role="status" aria-live="polite">
      {shown && (
        <div className="banner">
          <CloudOff size={16} aria-hidden />
          <span>
            {t('connection.away')} {waiting > 0 && t('connection.waiting', { count: waiting })}
          </span>
          <Button size="small" type="text" onClick={() => desk.wake()}>{t('connection.now')}</Button>
        </div>
      )}
    </div>
  );
}
