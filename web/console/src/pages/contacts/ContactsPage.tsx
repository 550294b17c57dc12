import { Button, Input, Select } from 'antd';
import { BadgeCheck, Plus } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams, Route, Routes } from 'react-router-dom';
import type { Contact } from '@/api/types';
import { Avatar } from '@/app/Avatar';
import { ago, shortTime } from '@/app/format';
import { Listing, useListing } from '@/app/Listing';
import { Page } from '@/app/Page';
import { useSession } from '@/app/session';
import { ContactDrawer } from './ContactDrawer';
import './contacts.css';

export default function ContactsPage() {
  return (
    <Routes>
      <Route path="/:id?" element={<Contacts />} />
    </Routes>
  );
}

function Contacts() {
  const { t } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const { id } = useParams();
  const [text, setText] = useState('');
  const [language, setLanguage] = useState<string>();
  const [verified, setVerified] = useState<string>();
  const words = useDeferredValue(text.trim());
  const listing = useListing<Contact>(['contacts'], '/contacts', {
    q: words,
    'filter[language]': language,
    'filter[verified]': verified,
    // A search has an order of its own.
    sort: words ? undefined : '-last_seen_at',
  });
  return (
    <Page
      title={t('nav.contacts')}
      actions={may('contact.write') && <Button type="primary" icon={<Plus size={16} />} onClick={() => navigate('/contacts/new')}>{t('contact.new')}</Button>}
    >
      <div className="filters">
        <Input.Search allowClear className="filter-wide" placeholder={t('contact.search')} aria-label={t('contact.search')} value={text} onChange={(event) => setText(event.target.value)} />
        <Select allowClear className="filter" placeholder={t('contact.language')} aria-label={t('contact.language')} value={language} onChange={setLanguage} options={(['zh', 'en'] as const).map((value) => ({ value, label: t(`contact.lang.${value}`) }))} />
        <Select allowClear className="filter" placeholder={t('contact.identity')} aria-label={t('contact.identity')} value={verified} onChange={setVerified} options={[{ value: 'true', label: t('contact.verified') }, { value: 'false', label: t('contact.unverified') }]} />
      </div>
      <Listing
        label={t('nav.contacts')}
        listing={listing}
        open={(contact) => navigate(`/contacts/${contact.id}`)}
        empty={text ? t('contact.noMatch') : t('contact.none')}
        columns={[
          {
            title: t('contact.name'),
            render: (_, contact) => {
              const name = contact.name || t('contact.nameless');
              return (
                <div className="cell-who">
                  <Avatar id={contact.id} name={name} size={34} />
                  <span>{name} {contact.verified && <BadgeCheck size={15} className="verified" aria-label={t('contact.verified')} />}{contact.company && <small>{contact.company}</small>}</span>
                </div>
              );
            },
          },
          { title: t('contact.email'), render: (_, contact) => contact.email },
          { title: t('contact.phone'), render: (_, contact) => contact.phone },
          { title: t('contact.language'), width: 90, render: (_, contact) => contact.language && t(`contact.lang.${contact.language}`) },
          { title: t('contact.lastSeen'), width: 140, render: (_, contact) => contact.last_seen_at && <time title={shortTime(contact.last_seen_at)}>{ago(contact.last_seen_at)}</time> },
        ]}
      />
      {id && <ContactDrawer id={id === 'new' ? null : id} close={() => navigate('/contacts')} />}
    </Page>
  );
}
