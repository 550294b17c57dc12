// ⌘/Ctrl+K: pages, conversations that are loaded, and contacts by name.
import { useQuery } from '@tanstack/react-query';
import { Input, type InputRef, Modal } from 'antd';
import { useDeferredValue, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router-dom';
import { list } from '@/api/http';
import type { Contact } from '@/api/types';
import { useDesk, useSession } from './session';

interface Hit {
  key: string;
  label: string;
  hint: string;
  to: string;
}

export default function Switcher({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const query = useDeferredValue(text.trim().toLowerCase());
  const input = useRef<InputRef>(null);
  const conversations = useDesk((state) => state.conversations);
  const contacts = useQuery({
    queryKey: ['contacts', 'switcher', query],
    enabled: query.length > 0 && may('contact.read'),
    queryFn: ({ signal }) => list<Contact>('/contacts', { q: query, limit: 6 }, signal).then((page) => page.items),
    retry: false,
  });
  useEffect(() => setAt(0), [query]);

  const pages: Hit[] = [
    { to: '/inbox/mine', label: t('views.mine'), show: 'conversation.read' },
    { to: '/inbox/queue', label: t('views.queue'), show: 'conversation.read' },
    { to: '/inbox/all', label: t('views.all'), show: 'conversation.read' },
    { to: '/contacts', label: t('nav.contacts'), show: 'contact.read' },
    { to: '/knowledge/faqs', label: t('knowledge.faqs'), show: 'knowledge.read' },
    { to: '/knowledge/articles', label: t('knowledge.articles'), show: 'knowledge.read' },
    { to: '/knowledge/ask', label: t('knowledge.ask'), show: 'knowledge.read' },
    { to: '/settings', label: t('nav.settings'), show: 'inbox.read' },
    { to: '/profile', label: t('nav.profile'), show: '' },
  ]
    .filter((page) => (!page.show || may(page.show)) && page.label.toLowerCase().includes(query))
    .map((page) => ({ key: page.to, label: page.label, hint: t('switcher.page'), to: page.to }));
  const talks: Hit[] = query
    ? [...conversations.values()]
        .filter((conversation) => `${conversation.contact.name} ${conversation.last_message?.text ?? ''}`.toLowerCase().includes(query))
        .slice(0, 8)
        .map((conversation) => ({
          key: conversation.id,
          label: `${conversation.contact.name || t('contact.nameless')} · ${conversation.last_message?.text?.slice(0, 60) ?? ''}`,
          hint: t('switcher.conversation'),
          to: `/inbox/all/${conversation.id}`,
        }))
    : [];
  const people: Hit[] = (contacts.data ?? []).map((contact) => ({
    key: contact.id,
    label: [contact.name || t('contact.nameless'), contact.company].filter(Boolean).join(' · '),
    hint: t('switcher.contact'),
    to: `/contacts/${contact.id}`,
  }));
  const hits = [...pages, ...talks, ...people];
  const go = (hit: Hit | undefined) => {
    if (!hit) return;
    navigate(hit.to);
    close();
  };
  const key = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown') setAt((now) => Math.min(now + 1, hits.length - 1));
    else if (event.key === 'ArrowUp') setAt((now) => Math.max(now - 1, 0));
    else if (event.key === 'Enter') go(hits[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal open footer={null} closable={false} onCancel={close} width={560} className="switcher" title={<span className="unseen">{t('switcher.title')}</span>} afterOpenChange={(open) => open && input.current?.focus()}>
      <Input
        ref={input}
        variant="borderless"
        size="large"
        role="combobox"
        aria-expanded
        aria-controls="switcher-hits"
        aria-activedescendant={hits[at] ? `hit-${at}` : undefined}
        aria-label={t('switcher.title')}
        placeholder={t('switcher.placeholder')}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={key}
      />
      <ul id="switcher-hits" role="listbox" aria-label={t('switcher.title')}>
        {hits.map((hit, i) => (
          <li key={hit.key} id={`hit-${i}`} role="option" aria-selected={i === at} onClick={() => go(hit)} onMouseMove={() => setAt(i)}>
            <span>{hit.label}</span>
            <small>{hit.hint}</small>
          </li>
        ))}
      </ul>
      {hits.length === 0 && <p className="quiet">{t('common.nothing')}</p>}
    </Modal>
  );
}
