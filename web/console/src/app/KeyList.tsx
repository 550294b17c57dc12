import { Modal } from 'antd';
import { useTranslation } from 'react-i18next';

const mod = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl';
const keys = [
  ['next', 'j'],
  ['previous', 'k'],
  ['reply', 'r'],
  ['note', 'n'],
  ['resolve', 'e'],
  ['take', 't'],
  ['assign', 'a'],
  ['search', '/'],
  ['back', 'Esc'],
  ['send', 'Enter'],
  ['newline', 'Shift Enter'],
  ['switcher', `${mod} K`],
  ['list', '?'],
] as const;

export default function KeyList({ close }: { close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal open title={t('keys.title')} footer={null} onCancel={close} width={440}>
      <dl className="keys">
        {keys.map(([name, combination]) => (
          <div key={name}>
            <dt>{t(`keys.${name}`)}</dt>
            <dd>{combination.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
